//! Which sessions have ended. The database is the source of truth.

use uuid::Uuid;

use super::{now, repo};
use crate::db::Pool;

/// All sessions.
pub struct Sessions {
    pool: Pool,
}

impl Sessions {
    /// Sessions in the database.
    pub fn new(pool: Pool) -> Self {
        Self {
            // Authoritative, unlike a cache.
            pool,
        }
    }

    /// Whether a session was ended before it expired.
    pub async fn has_ended(&self, session: Uuid) -> sqlx::Result<bool> {
        repo::has_ended(&self.pool, session).await
    }

    /// Ends a session: every replica refuses its tokens at once.
    pub async fn end(&self, session: Uuid) -> sqlx::Result<()> {
        repo::end_session(&self.pool, session, now()).await?;
        Ok(())
    }
}
