//! Which sessions have ended. The database is the source of truth.

use uuid::Uuid;

use super::{now, repo};
use crate::db::Pool;

/// All sessions.
pub struct Sessions {
    pool: Pool,
    pub(super) marks: Option<super::marks::Marks>,
}

impl Sessions {
    /// Sessions in the database.
    pub fn new(pool: Pool) -> Self {
        Self {
            // Authoritative, unlike a cache.
            pool,
            marks: None,
        }
    }

    /// Whether a session was ended before it expired.
    pub async fn has_ended(&self, session: Uuid) -> sqlx::Result<bool> {
        if let Some(marks) = &self.marks {
            return marks.has_ended(session, || repo::has_ended(&self.pool, session)).await;
        }
        repo::has_ended(&self.pool, session).await
    }

    /// Ends a session: every replica refuses its tokens at once.
    pub async fn end(&self, session: Uuid) -> sqlx::Result<()> {
        repo::end_session(&self.pool, session, now()).await?;
        if let Some(marks) = &self.marks {
            marks.end(session).await;
        }
        Ok(())
    }
}
