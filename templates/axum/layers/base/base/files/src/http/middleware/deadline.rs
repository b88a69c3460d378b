//! A deadline for every request, and one for each part of its body.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, Timeout, sleep, timeout};
use tower::{Layer, Service};

use crate::{config::Config, error::Error, http::body::watched};

/// Answers 504 after `REQUEST_TIMEOUT`, and drops the handler; 408 where the client is the slow one.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    request: Duration,
    body: Duration,
}

impl Deadline {
    /// `REQUEST_TIMEOUT` and `BODY_READ_TIMEOUT`.
    pub fn new(config: &Config) -> Self {
        Self { request: config.request_timeout, body: config.body_read_timeout }
    }
}

/// What is known of the body.
#[derive(Default)]
pub struct Progress {
    awaited: AtomicBool,
    stalled: AtomicBool,
}

impl<S> Layer<S> for Deadline {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        Limited { deadline: *self, inner }
    }
}

/// A service whose requests have a deadline.
#[derive(Clone)]
pub struct Limited<S> {
    deadline: Deadline,
    inner: S,
}

pin_project! {
    /// The response to a request that has a deadline.
    pub struct Limiting<F> {
        #[pin]
        inner: Timeout<F>,
        progress: Arc<Progress>,
    }
}

impl<S> Service<Request> for Limited<S>
where
    S: Service<Request, Response: IntoResponse, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Limiting<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let progress = Arc::new(Progress::default());
        let request = request.map(|body| progress.clone().watch(body, self.deadline.body));
        Limiting { inner: timeout(self.deadline.request, self.inner.call(request)), progress }
    }
}

impl<F, R> Future for Limiting<F>
where
    F: Future<Output = Result<R, Infallible>>,
    R: IntoResponse,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(context));
        let progress = this.progress;
        // A handler may have made any response of a body that was cut off.
        if progress.stalled.load(Relaxed) || response.is_err() && progress.awaited.load(Relaxed) {
            return Poll::Ready(Ok(Error::SlowBody.into_response()));
        }
        Poll::Ready(Ok(match response {
            Ok(Ok(response)) => response.into_response(),
            Err(_) => Error::TimedOut.into_response(),
        }))
    }
}

impl Progress {
    /// The body, which ends with an error where no bytes arrive for `limit`.
    fn watch(self: Arc<Self>, body: Body, limit: Duration) -> Body {
        let mut idle: Option<Pin<Box<Sleep>>> = None;
        watched(body, move |context, piece| {
            self.awaited.store(piece.is_pending(), Relaxed);
            if piece.is_ready() {
                idle = None;
                return piece;
            }
            let idle = idle.get_or_insert_with(|| Box::pin(sleep(limit)));
            idle.poll_unpin(context).map(|()| {
                self.stalled.store(true, Relaxed);
                Some(Err(Error::SlowBody.into()))
            })
        })
    }
}
