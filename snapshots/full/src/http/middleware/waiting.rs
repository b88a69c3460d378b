//! Bounds the memory of responses that wait for their clients.

use axum::{
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use crate::{
    config::Config,
    error::Error,
    http::{
        caller::Caller,
        memory::{Held, Memory},
    },
    telemetry::metrics,
};

/// Bytes of a response that does not count: so many may wait as there are connections.
const SMALL: u64 = 16 * 1024;

/// `RESPONSE_MEMORY_BYTES` of memory.
pub fn memory(config: &Config) -> Memory {
    Memory::new(config.response_memory_bytes, 0)
}

/// Answers 503 in place of a response for which no memory is left. A response has its memory until the
/// last byte is sent.
///
/// # Errors
/// [`Error::Overloaded`]
pub async fn bound(
    State(memory): State<Memory>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let response = next.run(request).await;
    let Some(size) = response.body().size_hint().exact().filter(|size| *size > SMALL) else {
        return Ok(response);
    };
    let mut held = memory.of(caller.network());
    if !held.take(usize::try_from(size).unwrap_or(usize::MAX)) {
        metrics::request_shed();
        return Err(Error::Overloaded);
    }
    let (parts, body) = response.into_parts();
    // It is in memory, and complete: its size is known.
    let bytes = to_bytes(body, usize::MAX).await.map_err(Error::internal)?;
    let bytes = Bytes::from_owner(Waiting { bytes, _held: held });
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// Bytes that have memory.
struct Waiting {
    bytes: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Waiting {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
