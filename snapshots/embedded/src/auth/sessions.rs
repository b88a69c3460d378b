//! Which sessions are active, by the database.

use uuid::Uuid;

use super::{leases, now, repo, users::Role};
use crate::db::Pool;

/// All sessions.
pub struct Sessions {
    pool: Pool,
}

/// A change to sessions in a transaction: the database is all that has to know.
#[must_use]
pub(super) struct Change;

impl Sessions {
    /// Sessions in the database.
    pub fn new(pool: &Pool) -> Self {
        Self { pool: pool.clone() }
    }

    /// Role of a session's account; `None` where the session has ended, or the account is disabled.
    pub(super) async fn role(&self, session: Uuid) -> sqlx::Result<Option<Role>> {
        repo::role(&self.pool, session, now()).await
    }

    /// Nothing: the database knows.
    #[expect(clippy::unused_async, reason = "with Redis, replicas have to know")]
    pub(super) async fn close(&self) {}

    /// Announces a change to sessions before its transaction commits.
    #[expect(clippy::unused_self, reason = "with Redis, replicas have to know")]
    pub(super) fn changing(&self, _: Vec<Uuid>) -> Change {
        Change
    }
}

impl Change {
    /// The transaction has committed: the sessions have ended.
    pub(super) async fn ended(self) {
        self.took_effect().await;
    }

    /// The transaction has committed: the sessions have another role.
    pub(super) async fn took_effect(self) {
        // Even of no session: a request that is not answered yet may have changed them just before.
        leases::expired().await;
    }
}
