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

    /// After it. The response is passed on as it is, unless there is more to do.
    fn after(kept: Self::Kept, response: Response) -> Response {
        drop(kept);
        response
    }
}

/// The layer of a [`Middleware`].
#[derive(Clone, Copy)]
pub struct Around<M>(pub M);

/// A service with a [`Middleware`] around it.
#[derive(Clone)]
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
        let mut this = self.project();
        let response = match this.handled.as_mut().as_pin_mut() {
            Some(handled) => {
                let Ok(response) = ready!(handled.poll(context));
                // Dropped before `kept`, as when the client leaves.
                this.handled.set(None);
                this.kept.take().map(|kept| M::after(kept, response.into_response()))
            }
            None => this.refused.take(),
        };
        Poll::Ready(Ok(response.expect("polled until its response")))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, poll_fn},
        sync::Arc,
    };

    use axum::http::StatusCode;
    use futures_util::FutureExt;
    use tower::{ServiceExt, service_fn};

    use super::*;

    /// Keeps a reference to its value, and refuses requests where it has none to give.
    #[derive(Clone)]
    struct Keep(Option<Arc<()>>);

    impl Middleware for Keep {
        type Kept = Arc<()>;

        fn before(&self, _: &mut Request) -> ControlFlow<Response, Arc<()>> {
            match &self.0 {
                Some(value) => ControlFlow::Continue(value.clone()),
                None => ControlFlow::Break(StatusCode::CONFLICT.into_response()),
            }
        }

        fn after(kept: Arc<()>, response: Response) -> Response {
            let kept = Arc::strong_count(&kept).to_string();
            ([("x-kept", kept)], response).into_response()
        }
    }

    #[tokio::test]
    async fn a_request_that_is_refused_is_not_handled() {
        let handler =
            service_fn(async |_: Request| -> Result<Response, Infallible> { panic!("handled") });
        let service = Around(Keep(None)).layer(handler);
        let Ok(response) = service.oneshot(Request::default()).await;
        assert_eq!(response.status(), StatusCode::CONFLICT);
        assert!(!response.headers().contains_key("x-kept"));
    }

    #[tokio::test]
    async fn a_kept_value_lives_until_the_response_or_the_end_of_the_future() {
        let value = Arc::new(());
        let keep = Around(Keep(Some(value.clone())));
        let held = value.clone();
        let handler = service_fn(move |_: Request| {
            let held = held.clone();
            // Until it is dropped, and not only until it is ready.
            poll_fn(move |_| Poll::Ready(Ok::<_, Infallible>(Arc::strong_count(&held).to_string())))
        });
        let Ok(response) = keep.layer(handler).oneshot(Request::default()).await;
        // The test's, the layer's, and the one that was kept; the service has ended.
        assert_eq!(response.headers()["x-kept"], "3");

        let handler =
            service_fn(async |_: Request| pending::<Result<Response, Infallible>>().await);
        let mut waiting = Box::pin(keep.layer(handler).oneshot(Request::default()));
        assert!((&mut waiting).now_or_never().is_none());
        assert_eq!(Arc::strong_count(&value), 3);
        drop(waiting);
        assert_eq!(Arc::strong_count(&value), 2);
    }
}
