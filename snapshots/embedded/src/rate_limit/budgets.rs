//! Budgets of clients, in this process.

use std::sync::Arc;

use super::{Decision, Limit, gcra::Gcra};
use crate::{config::Config, http::caller::Client};

/// The budgets of all limits. Clones share them.
#[derive(Clone)]
pub struct Budgets(Arc<Gcra>);

impl Budgets {
    /// Full budgets.
    pub fn new(config: &Config) -> Self {
        Self(Arc::new(Gcra::new(config.rate_limit_max_clients)))
    }

    /// Takes one request from the client's budget.
    #[expect(clippy::unused_async, reason = "async for budgets outside of the process")]
    pub(super) async fn take(&self, limit: Limit, client: Client) -> Decision {
        self.0.take(limit, client)
    }

    /// The same; `None` where another process has to be asked.
    #[expect(clippy::unnecessary_wraps, reason = "`None` for budgets outside of the process")]
    pub(super) fn take_at_once(&self, limit: Limit, client: Client) -> Option<Decision> {
        Some(self.0.take(limit, client))
    }
}
