//! A deadline for every request.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use crate::error::Error;

/// Answers 504 after `limit` (`REQUEST_TIMEOUT`), and drops the handler.
///
/// # Errors
/// [`Error::TimedOut`]
pub async fn enforce(
    State(limit): State<Duration>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    tokio::time::timeout(limit, next.run(request)).await.map_err(|_| Error::TimedOut)
}
