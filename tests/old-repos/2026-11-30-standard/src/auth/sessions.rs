//! Whether sessions go on. The database knows.

use uuid::Uuid;

use super::{now, repo};
use crate::db::Pool;

/// Sessions, as long as they live.
pub struct Sessions {
    pool: Pool,
    pub(super) marks: Option<super::marks::Marks>,
}

impl Sessions {
    /// Those in the database.
    pub fn new(pool: Pool) -> Self {
        Self {
            // What it says counts, whatever stands elsewhere.
            pool,
            marks: None,
        }
    }

    /// Whether a session has ended before its time.
    pub async fn has_ended(&self, session: Uuid) -> sqlx::Result<bool> {
        if let Some(marks) = &self.marks {
            return marks.has_ended(session, || repo::has_ended(&self.pool, session)).await;
        }
        repo::has_ended(&self.pool, session).await
    }

    /// Ends a session, with all its tokens, at once and for every replica.
    pub async fn end(&self, session: Uuid) -> sqlx::Result<()> {
        repo::end_session(&self.pool, session, now()).await?;
        if let Some(marks) = &self.marks {
            marks.end(session).await;
        }
        Ok(())
    }
}
