//! Whether sessions go on. The database knows.

use uuid::Uuid;

use super::{now, repo};
use crate::db::Pool;

/// Sessions, as long as they live.
pub struct Sessions {
    pool: Pool,
}

impl Sessions {
    /// Those in the database.
    pub fn new(pool: Pool) -> Self {
        Self {
            // What it says counts, whatever stands elsewhere.
            pool,
        }
    }

    /// Whether a session has ended before its time.
    pub async fn has_ended(&self, session: Uuid) -> sqlx::Result<bool> {
        repo::has_ended(&self.pool, session).await
    }

    /// Ends a session, with all its tokens, at once and for every replica.
    pub async fn end(&self, session: Uuid) -> sqlx::Result<()> {
        repo::end_session(&self.pool, session, now()).await?;
        Ok(())
    }
}
