//! A handler that panics costs its own request and no more.

use std::any::Any;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::Problem;

/// Answers 500. The panic hook has logged the rest by then.
pub fn layer() -> CatchPanicLayer<fn(Box<dyn Any + Send>) -> Response> {
    CatchPanicLayer::custom(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR).into_response())
}
