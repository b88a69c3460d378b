//! Work that outlives a request, and that shutdown waits for.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::time::sleep;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{request::Current, telemetry::metrics};

/// Tasks that run beside the requests. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Background {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Background {
    /// Runs `task` until it ends. One that loops must watch [`Background::stopping`]. What it logs
    /// names the request that began it.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match Current::with(Clone::clone) {
            Some(request) => self.tasks.spawn(request.scope(task)),
            None => self.tasks.spawn(task),
        };
    }

    /// Runs `work` now and `period` after each end until shutdown. One run that panics is logged,
    /// and the next comes all the same.
    pub fn every<F>(
        &self,
        name: &'static str,
        period: Duration,
        mut work: impl FnMut() -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.spawn(async move {
            loop {
                let run = AssertUnwindSafe(async { work().await }).catch_unwind();
                let outcome = if run.await.is_ok() { "ok" } else { "panic" };
                metrics::background_run(name, outcome);
                if stop.run_until_cancelled(sleep(period)).await.is_none() {
                    return;
                }
            }
        });
    }

    /// Cancelled when the service stops.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Tells every task to stop and waits for them, `deadline` at most.
    ///
    /// Returns how many had to be left behind.
    pub async fn finish(&self, deadline: tokio::time::Instant) -> usize {
        self.stop.cancel();
        self.tasks.close();
        let _ = tokio::time::timeout_at(deadline, self.tasks.wait()).await;
        self.tasks.len()
    }
}
