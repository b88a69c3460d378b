//! Counts requests in flight, and tells clients of a service that stops to reconnect.

use std::ops::ControlFlow;

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{HeaderValue, header},
    response::Response,
};
use http_body_util::BodyExt;
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::around::Middleware;

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
impl Middleware for InFlight {
    type Kept = TaskTrackerToken;

    fn before(&self, _: &mut Request) -> ControlFlow<Response, TaskTrackerToken> {
        ControlFlow::Continue(self.token())
    }

    fn after(token: TaskTrackerToken, mut response: Response) -> Response {
        if token.task_tracker().is_closed() {
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
}
