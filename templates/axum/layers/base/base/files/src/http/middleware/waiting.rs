//! Bounds the memory of responses that wait for their clients.
//!
//! A response is compressed as a whole before it waits: an encoder takes megabytes, and would wait with it.

use axum::{
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::{Request, State},
    http::{Response, header},
    middleware::Next,
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

/// A response that is complete, and too large not to count.
#[derive(Clone, Copy)]
enum Complete {
    /// Its bytes are a part of the binary, unless it is compressed.
    Shared,
    /// It has separate memory.
    Owned,
}

/// `RESPONSE_MEMORY_BYTES` of memory.
pub fn memory(config: &Config) -> Memory {
    Memory::new(config.response_memory_bytes, 0)
}

/// Marks the response of a handler that has made its bytes.
pub fn own<B: HttpBody>(response: Response<B>) -> Response<B> {
    mark(response, Complete::Owned)
}

/// Marks any other response, before it is compressed.
pub fn share<B: HttpBody>(response: Response<B>) -> Response<B> {
    mark(response, Complete::Shared)
}

fn mark<B: HttpBody>(mut response: Response<B>, complete: Complete) -> Response<B> {
    // A stream has no size, and is never held back.
    if response.body().size_hint().exact().is_some_and(|size| size > SMALL) {
        response.extensions_mut().get_or_insert_with(|| complete);
    }
    response
}

/// Answers 503 in place of a response for which no memory is left, but for that of a write: its client
/// would repeat it. A response has its memory until the last byte is sent.
///
/// # Errors
/// [`Error::Overloaded`]
pub async fn bound(
    State(memory): State<Memory>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Result<Response<Body>, Error> {
    let is_read = request.method().is_safe();
    let response = next.run(request).await;
    let is_compressed = response.headers().contains_key(header::CONTENT_ENCODING);
    match response.extensions().get() {
        Some(Complete::Owned) => {}
        Some(Complete::Shared) if is_compressed => {}
        _ => return Ok(response),
    }
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.map_err(Error::internal)?;
    let mut held = memory.of(caller.network());
    if !held.take(bytes.len()) && is_read {
        metrics::request_shed();
        return Err(Error::Overloaded);
    }
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
