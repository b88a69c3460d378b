//! Which sessions are active, by marks in Redis or else by the database, which is the source of truth.

mod marks;

use uuid::Uuid;

pub(super) use self::marks::Change;
use self::marks::Marks;
use super::{now, repo, users::Role};
use crate::{background::Background, config::Config, db::Pool, redis::Redis};

/// All sessions.
pub struct Sessions {
    // Authoritative, unlike the marks.
    pool: Pool,
    marks: Marks,
}

impl Sessions {
    /// Sessions in the database, with marks that replicas share.
    pub fn new(pool: &Pool, redis: &Redis, background: &Background, config: &Config) -> Self {
        Self { pool: pool.clone(), marks: Marks::new(redis, background, config) }
    }

    /// Role of a session's account; `None` where the session has ended, or the account is disabled.
    pub(super) async fn role(&self, session: Uuid) -> sqlx::Result<Option<Role>> {
        self.marks.role(session, || repo::role(&self.pool, session, now())).await
    }

    /// Stores the marks that Redis has missed.
    pub(super) async fn close(&self) {
        self.marks.retry_missed().await;
    }

    /// Announces a change to sessions before its transaction commits. Where the change is dropped, the
    /// outcome is unknown, and the database decides.
    pub(super) fn changing(&self, sessions: Vec<Uuid>) -> Change {
        self.marks.changing(sessions)
    }
}
