//! Lets shutdown know what is still in flight, and clients that they should move on.

use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
};
use http_body_util::BodyExt;

use crate::state::AppState;

/// Counts the request until its response is handed over. Writing it is counted by its connection.
pub async fn drain(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let in_flight = state.requests.token();
    let mut response = next.run(request).await;
    if state.health.is_draining() {
        // A connection kept open would be cut later, perhaps under the next request.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    // A stream is in flight until its last frame.
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _held = &in_flight;
            frame
        }))
    })
}
