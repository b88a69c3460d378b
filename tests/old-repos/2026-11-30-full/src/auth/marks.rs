//! What replicas tell each other of sessions through Redis, so that a request waits for no database.
//!
//! A mark says that a session has ended, for as long as a token of it could be good: the deny list.
//! Or it says, for a short while, that the database has the session as living. Where there is no
//! mark the database is asked, so that a Redis that does not answer, or has lost what it knew, lets
//! nobody in.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use redis::Cmd;
use uuid::Uuid;

use crate::{
    auth::Auth,
    background::Background,
    config::Config,
    redis::{Redis, Unavailable},
};

const ENDED: &str = "ended";
const LIVING: &str = "living";

/// What the database has said counts for this time, should Redis miss the end of the session.
const TRUST: Duration = Duration::from_secs(30);

/// What Redis has missed it is told again this often.
const AGAIN: Duration = Duration::from_secs(1);

/// The marks. Clones share them.
#[derive(Clone)]
pub struct Marks(Arc<Parts>);

struct Parts {
    redis: Redis,
    /// No access token outlives the end of its session by more.
    tokens_last: Duration,
    /// Ends that Redis does not know of yet, each until it no longer matters. This process does.
    untold: Mutex<HashMap<Uuid, Instant>>,
}

impl Auth {
    /// Shares with the other replicas what is known of sessions, and the limit.
    #[must_use]
    pub fn shared_by(mut self, redis: &Redis, background: &Background, config: &Config) -> Self {
        let marks = Marks(Arc::new(Parts {
            redis: redis.clone(),
            tokens_last: config.auth_access_ttl + config.auth_leeway,
            untold: Mutex::default(),
        }));
        self.sessions.marks = Some(marks.clone());
        self.entrance = self.entrance.shared_by(redis, config);
        background.every("session_ends", AGAIN, move || {
            let marks = marks.clone();
            async move { marks.tell_what_is_untold().await }
        });
        self
    }
}

impl Marks {
    /// Whether a session has ended, as its mark says or else the `database`.
    pub async fn has_ended<F>(
        &self,
        session: Uuid,
        database: impl FnOnce() -> F,
    ) -> sqlx::Result<bool>
    where
        F: Future<Output = sqlx::Result<bool>>,
    {
        if self.untold().contains_key(&session) {
            return Ok(true);
        }
        if let Some(ended) = self.find(session).await {
            return Ok(ended);
        }
        let ended = database().await?;
        let mark = if ended { self.ended(session) } else { self.living(session) };
        // Should it fail, the next request asks the database again, and no more.
        let _ = self.0.redis.ask(async |mut to| mark.query_async::<()>(&mut to).await).await;
        Ok(ended)
    }

    /// Marks a session as ended, after the database has it so.
    pub async fn end(&self, session: Uuid) {
        // First, for who asked may go away before Redis answers.
        self.untold().insert(session, Instant::now() + self.0.tokens_last);
        if self.tell(session).await.is_ok() {
            self.untold().remove(&session);
        } else {
            tracing::warn!(%session, "Redis was not told that a session has ended");
        }
    }

    async fn tell_what_is_untold(&self) {
        let now = Instant::now();
        let untold: Vec<Uuid> = {
            let mut untold = self.untold();
            untold.retain(|_, until| now < *until);
            untold.keys().copied().collect()
        };
        for session in untold {
            if self.tell(session).await.is_err() {
                return;
            }
            self.untold().remove(&session);
        }
    }

    async fn find(&self, session: Uuid) -> Option<bool> {
        // MGET takes a key of another type for an absent one.
        let mut command = redis::cmd("MGET");
        command.arg(self.key(session));
        let answer = self.0.redis.ask(async |mut to| command.query_async(&mut to).await).await;
        let marks: Vec<Option<Vec<u8>>> = answer.ok()?;
        match marks.first()?.as_deref() {
            Some(mark) if mark == ENDED.as_bytes() => Some(true),
            Some(mark) if mark == LIVING.as_bytes() => Some(false),
            _ => None,
        }
    }

    /// Even while Redis is left alone: this one counts.
    async fn tell(&self, session: Uuid) -> Result<(), Unavailable> {
        let mark = self.ended(session);
        self.0.redis.insist(async |mut to| mark.query_async(&mut to).await).await
    }

    fn ended(&self, session: Uuid) -> Cmd {
        let mut command = redis::cmd("SET");
        command.arg(self.key(session)).arg(ENDED).arg("PX").arg(millis(self.0.tokens_last));
        command
    }

    fn living(&self, session: Uuid) -> Cmd {
        let mut command = redis::cmd("SET");
        // Not over another mark: the session may have ended since the database was asked.
        command.arg(self.key(session)).arg(LIVING).arg("PX").arg(millis(TRUST)).arg("NX");
        command
    }

    fn key(&self, session: Uuid) -> String {
        self.0.redis.key(&format!("session:{session}"))
    }

    fn untold(&self) -> MutexGuard<'_, HashMap<Uuid, Instant>> {
        self.0.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}
