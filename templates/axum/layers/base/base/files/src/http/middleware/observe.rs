//! One log line and one set of measurements per request.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::{Method, StatusCode},
    middleware::Next,
    response::Response,
};

use crate::{http::health, telemetry::metrics};

/// Logs and measures the request, even where its client disconnects.
pub async fn observe(request: Request, next: Next) -> Response {
    let mut seen = Seen {
        start: Instant::now(),
        method: request.method().clone(),
        route: request.extensions().get::<MatchedPath>().cloned(),
        status: None,
    };
    metrics::request_started();
    let response = next.run(request).await;
    seen.status = Some(response.status());
    response
}

/// Reports when dropped: hyper drops the request of a client that disconnects.
struct Seen {
    start: Instant,
    method: Method,
    route: Option<MatchedPath>,
    status: Option<StatusCode>,
}

impl Drop for Seen {
    fn drop(&mut self) {
        let elapsed = self.start.elapsed();
        // Clients choose paths: as labels they would be unbounded.
        let route = self.route.as_ref().map_or("unmatched", MatchedPath::as_str);
        // nginx's status for a client that has disconnected.
        let status = self.status.map_or(499, |status| status.as_u16());
        metrics::request_finished(&self.method, route, status, elapsed);

        let method = self.method.as_str();
        let latency_ms = (elapsed.as_secs_f64() * 1e6).round() / 1e3;
        if health::is_probe(route) {
            tracing::debug!(target: "http", method, route, status, latency_ms, "request");
        } else {
            tracing::info!(target: "http", method, route, status, latency_ms, "request");
        }
    }
}
