//! Gives every request its ids and its caller, and a span where tracing is on.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use opentelemetry::trace::TraceId;
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    config::Config,
    http::{
        caller::{self, Caller},
        health,
    },
    telemetry::{request::Current, traces},
};

/// Header with the ID of the request, in requests and in responses.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Settings of the identification of requests.
#[derive(Clone, Copy, Debug)]
pub struct Identify {
    tracing: bool,
    trusted_proxies: u32,
}

impl Identify {
    /// Reads the settings of identification.
    pub fn new(config: &Config) -> Self {
        Self {
            tracing: config.otel_exporter_otlp_endpoint.is_some(),
            trusted_proxies: config.trusted_proxies,
        }
    }
}

/// Runs the request as [`Current`], with its [`Caller`], and returns its id.
pub async fn identify(
    State(identify): State<Identify>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let fresh = Uuid::now_v7();
    let id = request_id(request.headers(), fresh);
    let (trace_id, trace_context) = traces::context(request.headers());
    let mut current = Current {
        id: id.clone(),
        trace_id: trace_id.unwrap_or_else(|| TraceId::from_bytes(fresh.into_bytes())),
        route: request.extensions().get::<MatchedPath>().cloned(),
        trace_context,
        uri: request.uri().clone(),
        account: Arc::default(),
    };
    let address = caller::address(peer.ip(), request.headers(), identify.trusted_proxies);
    request.extensions_mut().insert(Caller { address, account: None });

    let mut response = if identify.tracing && !health::is_probe(request.uri().path()) {
        let span = traces::span(&request, address);
        current.trace_id = traces::trace_id(&span);
        let account = current.account.clone();
        let response = current.scope(next.run(request).instrument(span.clone())).await;
        traces::finish(&span, response.status(), account.get().copied());
        response
    } else {
        current.scope(next.run(request)).await
    };
    response.headers_mut().insert(X_REQUEST_ID, id);
    response
}

/// The caller's request id where it suits a log line, else `fresh`.
fn request_id(headers: &HeaderMap, fresh: Uuid) -> HeaderValue {
    let kept = headers.get(X_REQUEST_ID).filter(|id| {
        (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
    });
    kept.cloned().unwrap_or_else(|| {
        let mut text = Uuid::encode_buffer();
        HeaderValue::from_str(fresh.hyphenated().encode_lower(&mut text)).expect("hex and hyphens")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_printable_id_is_kept() {
        let fresh = Uuid::now_v7();
        let read = |id: &[u8]| {
            let id = HeaderValue::from_bytes(id).unwrap();
            request_id(&HeaderMap::from_iter([(X_REQUEST_ID, id)]), fresh)
        };
        assert_eq!(read(b"abc-123"), "abc-123");
        for bad in [&b""[..], b"two words", &[b'a'; 129], b"caf\xe9"] {
            assert_eq!(read(bad), fresh.to_string().as_str());
        }
    }
}
