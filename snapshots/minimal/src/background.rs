//! Work that outlives a request, and that shutdown waits for.

use std::time::Duration;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Tasks that run beside the requests. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Background {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Background {
    /// Runs `task` until it ends. One that loops must watch [`Background::stopping`].
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task);
    }

    /// Runs `work` now and after every `period` until shutdown.
    pub fn every<F>(&self, period: Duration, mut work: impl FnMut() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.spawn(async move {
            let mut ticks = tokio::time::interval(period);
            while stop.run_until_cancelled(ticks.tick()).await.is_some() {
                work().await;
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
