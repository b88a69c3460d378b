//! Which sessions have ended, by marks in Redis or else by the database, which is the source of truth.

mod marks;

use uuid::Uuid;

use self::marks::Marks;
use super::{now, repo};
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

    /// Whether a session was ended before it expired.
    pub(super) async fn has_ended(&self, session: Uuid) -> sqlx::Result<bool> {
        self.marks.has_ended(session, || repo::has_ended(&self.pool, session)).await
    }

    /// Ends a session: every replica refuses its tokens at once.
    pub(super) async fn end(&self, session: Uuid) -> sqlx::Result<()> {
        repo::end_session(&self.pool, session, now()).await?;
        self.marks.end(session).await;
        Ok(())
    }
}
