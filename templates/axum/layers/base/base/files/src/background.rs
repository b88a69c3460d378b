//! Tasks beside the requests, which shutdown waits for.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::telemetry::{metrics, request::Current};

/// Tasks that run beside the requests. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Background {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Background {
    /// Runs `task` until it ends. A task that loops must watch [`Background::stopping`]. Its log lines
    /// name the request that spawned it. Dropping the handle does not stop it.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        match Current::with(Clone::clone) {
            Some(request) => self.tasks.spawn(request.scope(|| task)),
            None => self.tasks.spawn(task),
        }
    }

    /// Runs `work` now and `period` after each end until shutdown. A panic is logged, and the next
    /// run follows.
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
            metrics::background_starts(name);
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

    /// Stops every task and waits for them until `deadline`.
    ///
    /// Returns the number of tasks that still run.
    pub async fn finish(&self, deadline: tokio::time::Instant) -> usize {
        self.stop.cancel();
        self.tasks.close();
        let _ = tokio::time::timeout_at(deadline, self.tasks.wait()).await;
        self.tasks.len()
    }
}
