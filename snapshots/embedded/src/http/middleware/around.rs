//! Middleware that looks at a request before it is handled, and at the response after.
//!
//! axum's `from_fn` can also wait, for which it copies all services below it, and allocates a future,
//! for every request. A dozen of them cost more than most handlers do.

use std::{
    convert::Infallible,
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

/// What is done around the handling of a request.
pub trait Middleware: Clone {
    /// What is kept until the response. It is dropped where the client leaves before that.
    type Kept;

    /// Before the request is handled, or refused with a response, which [`Middleware::after`] does not see.
    fn before(&self, request: &mut Request) -> ControlFlow<Response, Self::Kept>;

    /// After it.
    fn after(kept: Self::Kept, response: Response) -> Response;
}

/// The layer of a [`Middleware`].
#[derive(Clone, Copy)]
pub struct Around<M>(pub M);

/// A service with a [`Middleware`] around it.
#[derive(Clone, Copy)]
pub struct Surrounded<M, S> {
    middleware: M,
    inner: S,
}

pin_project! {
    /// The response of a service with a [`Middleware`] around it.
    pub struct Surrounding<M, F>
    where
        M: Middleware,
    {
        #[pin]
        handled: Option<F>,
        kept: Option<M::Kept>,
        refused: Option<Response>,
    }
}

impl<M: Clone, S> Layer<S> for Around<M> {
    type Service = Surrounded<M, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Surrounded { middleware: self.0.clone(), inner }
    }
}

impl<M, S> Service<Request> for Surrounded<M, S>
where
    M: Middleware,
    S: Service<Request, Response: IntoResponse, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Surrounding<M, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        match self.middleware.before(&mut request) {
            ControlFlow::Continue(kept) => {
                let handled = Some(self.inner.call(request));
                Surrounding { handled, kept: Some(kept), refused: None }
            }
            ControlFlow::Break(response) => {
                Surrounding { handled: None, kept: None, refused: Some(response) }
            }
        }
    }
}

impl<M, F, R> Future for Surrounding<M, F>
where
    M: Middleware,
    F: Future<Output = Result<R, Infallible>>,
    R: IntoResponse,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = match this.handled.as_pin_mut() {
            Some(handled) => {
                let Ok(response) = ready!(handled.poll(context));
                this.kept.take().map(|kept| M::after(kept, response.into_response()))
            }
            None => this.refused.take(),
        };
        Poll::Ready(Ok(response.expect("polled until its response")))
    }
}
