//! Budgets of clients, in Redis for all replicas. While Redis does not answer, each process has its own.

mod leases;

use std::sync::Arc;

use metrics::counter;

use self::leases::Leases;
use super::{Decision, Limit, gcra::Gcra};
use crate::{config::Config, http::caller::Client, redis::Redis};

/// The budgets of all limits. Clones share them.
#[derive(Clone)]
pub struct Budgets(Arc<Parts>);

struct Parts {
    shared: Leases,
    own: Gcra,
}

impl Budgets {
    /// Budgets in Redis, and full ones in this process.
    pub fn new(redis: &Redis, config: &Config) -> Self {
        let max = config.rate_limit_max_clients;
        let (shared, own) = (Leases::new(redis.clone(), max), Gcra::new(max));
        Self(Arc::new(Parts { shared, own }))
    }

    /// Takes one request from the client's budget.
    pub(super) async fn take(&self, limit: Limit, client: Client) -> Decision {
        if let Some(decision) = self.0.shared.take(limit, client).await {
            return decision;
        }
        counter!("rate_limit_fallbacks_total").increment(1);
        self.0.own.take(limit, client)
    }

    /// The same; `None` where Redis has to be asked.
    pub(super) fn take_at_once(&self, limit: Limit, client: Client) -> Option<Decision> {
        self.0.shared.take_at_once(limit, client)
    }
}
