//! One copy of what lies below, for all the layers above.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tower::{Layer, Service, ServiceExt, util::Oneshot};

/// A layer of `from_fn` copies all that lies below it, for every request; of a dozen layers, each
/// would copy the rest of the dozen. Below this one there is one thing to copy: a reference.
#[derive(Clone, Copy)]
pub struct Share;

/// What lies below.
pub struct Shared<S>(Arc<S>);

impl<S> Layer<S> for Share {
    type Service = Shared<S>;

    fn layer(&self, below: S) -> Shared<S> {
        Shared(Arc::new(below))
    }
}

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: Service<R> + Clone, R> Service<R> for Shared<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Oneshot<S, R>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        S::clone(&self.0).oneshot(request)
    }
}
