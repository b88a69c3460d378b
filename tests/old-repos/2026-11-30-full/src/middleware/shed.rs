//! Refuses what is more than the service can work on, before it costs anything.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{error::AppError, state::AppState};

/// Answers 503 where `MAX_REQUESTS_IN_FLIGHT` others are being worked on. Probes do not come by here:
/// a service that is busy is alive.
pub async fn shed(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // This one counts as well.
    if state.requests.len() > state.config.max_requests_in_flight as usize {
        metrics::counter!("http_requests_shed_total").increment(1);
        return AppError::Overloaded.into_response();
    }
    next.run(request).await
}
