//! A deadline for every request, and one for each part of its body.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;
use tokio::time::{Sleep, sleep, timeout};

use crate::{config::Config, error::Error, http::body::watched};

/// Limits of time.
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
struct Progress {
    awaited: AtomicBool,
    stalled: AtomicBool,
}

/// Answers 504 after `REQUEST_TIMEOUT`, and drops the handler; 408 where the client is the slow one.
///
/// # Errors
/// [`Error::TimedOut`], [`Error::SlowBody`]
pub async fn enforce(
    State(deadline): State<Deadline>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let progress = Arc::new(Progress::default());
    let request = request.map(|body| progress.clone().watch(body, deadline.body));
    let response = timeout(deadline.request, next.run(request)).await;
    // A handler may have made any response of a body that was cut off.
    if progress.stalled.load(Relaxed) || response.is_err() && progress.awaited.load(Relaxed) {
        return Err(Error::SlowBody);
    }
    response.map_err(|_| Error::TimedOut)
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
