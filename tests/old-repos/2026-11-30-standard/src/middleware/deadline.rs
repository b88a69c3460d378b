//! A deadline for every request.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{error::AppError, state::AppState};

/// Answers 504 once `REQUEST_TIMEOUT` is over, and drops the handler.
pub async fn enforce(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(state.config.request_timeout, next.run(request)).await;
    answer.unwrap_or_else(|_| AppError::Timeout.into_response())
}
