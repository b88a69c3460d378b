//! One log line and one set of measurements per request.

use std::{borrow::Cow, net::IpAddr, ops::ControlFlow, time::Instant};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderValue, StatusCode, header::USER_AGENT},
    response::Response,
};

use super::around::Middleware;
use crate::{
    http::{caller::Caller, health},
    telemetry::{
        metrics,
        request::{self, Current},
    },
};

/// Bytes of a user agent in a log line.
const LONGEST_AGENT: usize = 256;

/// Logs and measures the request, even where its client disconnects.
#[derive(Clone, Copy)]
pub struct Observe;

impl Middleware for Observe {
    type Kept = Seen;

    fn before(&self, request: &mut Request) -> ControlFlow<Response, Seen> {
        let seen = Seen {
            start: Instant::now(),
            method: request::method(request.method()),
            route: request.extensions().get::<MatchedPath>().cloned(),
            address: request.extensions().get::<Caller>().map(|caller| caller.address),
            agent: request.headers().get(USER_AGENT).cloned(),
            status: None,
        };
        if !seen.is_probe() {
            metrics::request_started();
        }
        ControlFlow::Continue(seen)
    }

    fn after(mut seen: Seen, response: Response) -> Response {
        seen.status = Some(response.status());
        response
    }
}

/// Reports when dropped: hyper drops the request of a client that disconnects.
pub struct Seen {
    start: Instant,
    method: &'static str,
    route: Option<MatchedPath>,
    address: Option<IpAddr>,
    agent: Option<HeaderValue>,
    status: Option<StatusCode>,
}

impl Seen {
    fn route(&self) -> &str {
        request::route(self.route.as_ref())
    }

    fn is_probe(&self) -> bool {
        health::is_probe(self.route())
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        let elapsed = self.start.elapsed();
        let (method, route) = (self.method, self.route());
        // nginx's status for a client that has disconnected.
        let status = self.status.map_or(499, |status| status.as_u16());
        let latency_ms = (elapsed.as_secs_f64() * 1e6).round() / 1e3;
        if self.is_probe() {
            metrics::probe_finished(route, status);
            tracing::debug!(target: "http", method, status, latency_ms, "request");
            return;
        }
        metrics::request_finished(method, route, status, elapsed);
        tracing::info!(
            target: "http",
            method,
            status,
            latency_ms,
            client_address = self.address.map(display),
            account = Current::with(|request| request.account()).flatten().map(display),
            user_agent = self.agent.as_ref().map(clip).as_deref(),
            "request",
        );
    }
}

fn clip(agent: &HeaderValue) -> Cow<'_, str> {
    let bytes = agent.as_bytes();
    String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST_AGENT)])
}
