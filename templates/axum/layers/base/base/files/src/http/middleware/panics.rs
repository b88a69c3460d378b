//! A panic of a handler fails its own request alone.

use std::any::Any;

use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;

use crate::http::problem::{Kind, Problem};

/// Answers 500. The panic hook has logged the panic by then.
pub fn layer() -> CatchPanicLayer<fn(Box<dyn Any + Send>) -> Response> {
    CatchPanicLayer::custom(|_| Problem::new(Kind::Internal).into_response())
}
