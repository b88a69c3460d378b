//! Which sessions have ended, by the database.

use uuid::Uuid;

use super::{now, repo};
use crate::db::Pool;

/// All sessions.
pub struct Sessions {
    pool: Pool,
}

impl Sessions {
    /// Sessions in the database.
    pub fn new(pool: &Pool) -> Self {
        Self { pool: pool.clone() }
    }

    /// Whether a session was ended before it expired.
    pub(super) async fn has_ended(&self, session: Uuid) -> sqlx::Result<bool> {
        repo::has_ended(&self.pool, session).await
    }

    /// Ends a session: every replica refuses its tokens at once.
    pub(super) async fn end(&self, session: Uuid) -> sqlx::Result<()> {
        repo::end_session(&self.pool, session, now()).await
    }
}
