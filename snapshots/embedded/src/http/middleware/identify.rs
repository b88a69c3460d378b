//! Gives every request its ids and its caller, and a span where tracing is on.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{IntoResponse, Response},
};
use opentelemetry::trace::TraceId;
use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;
use tower::{Layer, Service};
use tracing::{Instrument, Span, instrument::Instrumented};
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

/// Runs each request as [`Current`], with its [`Caller`], and returns its id.
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

    /// The request as it becomes [`Current`], and its span.
    fn identify(self, request: &mut Request) -> (Current, Span) {
        let fresh = Uuid::now_v7();
        let (trace_id, trace_context) = traces::context(request.headers());
        let ConnectInfo(peer): ConnectInfo<SocketAddr> =
            *request.extensions().get().expect("the server notes it");
        let address = caller::address(peer.ip(), request.headers(), self.trusted_proxies);
        request.extensions_mut().insert(Caller { address, account: None });
        let mut current = Current {
            id: request_id(request.headers(), fresh),
            trace_id: trace_id.unwrap_or_else(|| TraceId::from_bytes(fresh.into_bytes())),
            route: request.extensions().get::<MatchedPath>().cloned(),
            trace_context,
            uri: request.uri().clone(),
            account: OnceLock::new(),
        };
        if !self.tracing || health::is_probe(request.uri().path()) {
            return (current, Span::none());
        }
        let span = traces::span(request, address);
        current.trace_id = traces::trace_id(&span);
        (current, span)
    }
}

impl<S> Layer<S> for Identify {
    type Service = Identified<S>;

    fn layer(&self, inner: S) -> Identified<S> {
        Identified { identify: *self, inner }
    }
}

/// A service whose requests are identified.
#[derive(Clone)]
pub struct Identified<S> {
    identify: Identify,
    inner: S,
}

pin_project! {
    /// The response to a request that is identified.
    pub struct Identifying<F> {
        #[pin]
        inner: TaskLocalFuture<Arc<Current>, Instrumented<F>>,
        current: Arc<Current>,
        span: Span,
    }
}

impl<S> Service<Request> for Identified<S>
where
    S: Service<Request, Response: IntoResponse, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Identifying<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let (current, span) = self.identify.identify(&mut request);
        let current = Arc::new(current);
        let begin = || span.in_scope(|| self.inner.call(request)).instrument(span.clone());
        Identifying { inner: current.clone().scope(begin), current, span }
    }
}

impl<F, R> Future for Identifying<F>
where
    F: Future<Output = Result<R, Infallible>>,
    R: IntoResponse,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(response) = ready!(this.inner.poll(context));
        let mut response = response.into_response();
        traces::finish(this.span, response.status(), this.current.account());
        response.headers_mut().insert(X_REQUEST_ID, this.current.id.clone());
        Poll::Ready(Ok(response))
    }
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
