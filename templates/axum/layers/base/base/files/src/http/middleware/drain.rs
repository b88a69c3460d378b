//! Counts requests in flight, and tells clients of a service that stops to reconnect.

use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use http_body_util::BodyExt;
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

/// Requests in flight. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct InFlight(TaskTracker);

impl InFlight {
    /// Counts a request until the token is dropped.
    pub fn token(&self) -> TaskTrackerToken {
        self.0.token()
    }

    /// Number of requests in flight.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// From now on, responses ask clients to close their connections.
    pub fn close(&self) {
        self.0.close();
    }

    /// Ends when no request is in flight and [`InFlight::close`] was called.
    pub async fn wait(&self) {
        self.0.wait().await;
    }
}

/// Counts the request until its response is handed over. The connection counts the writing of it.
pub async fn drain(State(in_flight): State<InFlight>, request: Request, next: Next) -> Response {
    let token = in_flight.token();
    let mut response = next.run(request).await;
    if in_flight.0.is_closed() {
        // A connection kept open would be cut later, perhaps under the next request.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    // A stream is in flight until its last frame.
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _held = &token;
            frame
        }))
    })
}
