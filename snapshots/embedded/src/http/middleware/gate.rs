//! Middleware that lets a request pass or refuses it, and mostly knows which without asking.

use std::{
    convert::Infallible,
    future, mem,
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt, future::BoxFuture};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

/// Decides whether a request is handled.
pub trait Gate: Clone + Send + Sync + 'static {
    /// What is kept of a request that passes, for its response.
    type Pass: Send + 'static;

    /// Decides by what this process knows; `None` where it has to ask.
    fn decide(&self, request: &mut Request) -> Option<ControlFlow<Response, Self::Pass>>;

    /// Asks, and decides.
    fn ask(
        &self,
        request: &mut Request,
    ) -> impl Future<Output = ControlFlow<Response, Self::Pass>> + Send;

    /// The response to a request that has passed.
    fn finish(pass: Self::Pass, response: Response) -> Response;
}

/// The layer of a [`Gate`].
#[derive(Clone, Copy)]
pub struct Behind<G>(pub G);

/// A service behind a [`Gate`].
#[derive(Clone)]
pub struct Guarded<G, S> {
    gate: G,
    inner: S,
}

pin_project! {
    /// The response of a service behind a [`Gate`].
    pub struct Passing<G, F>
    where
        G: Gate,
    {
        #[pin]
        handled: Option<F>,
        pass: Option<G::Pass>,
        // Of a request that is refused, or passes after a question.
        response: Option<BoxFuture<'static, Response>>,
    }
}

impl<G: Clone, S> Layer<S> for Behind<G> {
    type Service = Guarded<G, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded { gate: self.0.clone(), inner }
    }
}

impl<G, S> Service<Request> for Guarded<G, S>
where
    G: Gate,
    S: Service<Request, Response: IntoResponse, Error = Infallible, Future: Send>,
    S: Clone + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Passing<G, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let response = match self.gate.decide(&mut request) {
            Some(ControlFlow::Continue(pass)) => {
                let handled = Some(self.inner.call(request));
                return Passing { handled, pass: Some(pass), response: None };
            }
            Some(ControlFlow::Break(response)) => future::ready(response).boxed(),
            None => {
                // The one that is ready; its copy has to become so again.
                let copy = self.inner.clone();
                let inner = mem::replace(&mut self.inner, copy);
                ask(self.gate.clone(), request, inner).boxed()
            }
        };
        Passing { handled: None, pass: None, response: Some(response) }
    }
}

async fn ask<G, S>(gate: G, mut request: Request, mut inner: S) -> Response
where
    G: Gate,
    S: Service<Request, Response: IntoResponse, Error = Infallible>,
{
    match gate.ask(&mut request).await {
        ControlFlow::Continue(pass) => {
            let Ok(response) = inner.call(request).await;
            G::finish(pass, response.into_response())
        }
        ControlFlow::Break(response) => response,
    }
}

impl<G, F, R> Future for Passing<G, F>
where
    G: Gate,
    F: Future<Output = Result<R, Infallible>>,
    R: IntoResponse,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = match (this.handled.as_pin_mut(), this.response) {
            (Some(handled), _) => {
                let Ok(response) = ready!(handled.poll(context));
                this.pass.take().map(|pass| G::finish(pass, response.into_response()))
            }
            (None, Some(response)) => Some(ready!(response.poll_unpin(context))),
            (None, None) => None,
        };
        Poll::Ready(Ok(response.expect("polled until its response")))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, StatusCode};
    use tower::{ServiceExt, service_fn};

    use super::*;

    /// Decides by a header, at once or when it is asked.
    #[derive(Clone)]
    struct Read {
        at_once: bool,
    }

    impl Gate for Read {
        type Pass = HeaderValue;

        fn decide(&self, request: &mut Request) -> Option<ControlFlow<Response, HeaderValue>> {
            let pass = request.headers_mut().remove("x-pass");
            self.at_once.then(|| decision(pass, StatusCode::CONFLICT))
        }

        async fn ask(&self, request: &mut Request) -> ControlFlow<Response, HeaderValue> {
            let asked = request.headers_mut().remove("x-asked");
            decision(asked, StatusCode::GONE)
        }

        fn finish(pass: HeaderValue, mut response: Response) -> Response {
            response.headers_mut().insert("x-passed", pass);
            response
        }
    }

    fn decision(
        pass: Option<HeaderValue>,
        refusal: StatusCode,
    ) -> ControlFlow<Response, HeaderValue> {
        match pass {
            Some(pass) => ControlFlow::Continue(pass),
            None => ControlFlow::Break(refusal.into_response()),
        }
    }

    async fn answer(at_once: bool, headers: &[&'static str]) -> (StatusCode, Option<HeaderValue>) {
        let handler = service_fn(async |request: Request| -> Result<Response, Infallible> {
            assert!(request.headers().is_empty(), "the gate's changes are seen");
            Ok(StatusCode::OK.into_response())
        });
        let mut request = Request::default();
        for name in headers {
            request.headers_mut().insert(*name, HeaderValue::from_static(name));
        }
        let Ok(mut response) = Behind(Read { at_once }).layer(handler).oneshot(request).await;
        (response.status(), response.headers_mut().remove("x-passed"))
    }

    #[tokio::test]
    async fn a_request_passes_or_is_refused_at_once_or_after_a_question() {
        let passed = |by| (StatusCode::OK, Some(HeaderValue::from_static(by)));
        assert_eq!(answer(true, &["x-pass"]).await, passed("x-pass"));
        assert_eq!(answer(true, &[]).await, (StatusCode::CONFLICT, None));
        assert_eq!(answer(false, &["x-pass", "x-asked"]).await, passed("x-asked"));
        assert_eq!(answer(false, &["x-pass"]).await, (StatusCode::GONE, None));
    }
}
