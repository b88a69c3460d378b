//! Bodies of requests that are watched while they arrive.

use std::task::{Context, Poll};

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
};
use futures_util::{StreamExt, stream};

/// A piece of a body, its end, or that it is awaited.
pub type Piece = Poll<Option<Result<Bytes, BoxError>>>;

/// The body, in which `watch` sees every piece and returns what the handler gets.
pub fn watched<F>(body: Body, mut watch: F) -> Body
where
    F: FnMut(&mut Context<'_>, Piece) -> Piece + Send + 'static,
{
    if body.is_end_stream() {
        return body;
    }
    let mut pieces = body.into_data_stream();
    Body::from_stream(stream::poll_fn(move |context| {
        let piece = pieces.poll_next_unpin(context).map_err(axum::Error::into_inner);
        watch(context, piece)
    }))
}
