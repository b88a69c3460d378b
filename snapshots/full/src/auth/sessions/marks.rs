//! Marks of sessions in Redis, which replicas share, so that a request needs no query.
//!
//! A mark says that a session has ended, for the lifetime of its tokens: the deny list. Or it says,
//! for a short time, that the session is active. Without a mark the database decides, so that a
//! Redis that does not answer, or has lost its data, lets no ended session in.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use redis::Cmd;
use uuid::Uuid;

use crate::{
    background::Background,
    config::Config,
    redis::{Redis, Unavailable},
};

const ENDED: &str = "ended";
const LIVING: &str = "living";

/// TTL of a mark of an active session, in case Redis misses its end.
const TRUST: Duration = Duration::from_secs(30);

/// Interval of retries of marks that Redis has missed.
const AGAIN: Duration = Duration::from_secs(1);

/// The marks. Clones share them.
#[derive(Clone)]
pub struct Marks(Arc<Parts>);

struct Parts {
    redis: Redis,
    /// Longest time that an access token outlives its session.
    tokens_last: Duration,
    /// Ended sessions whose marks Redis has missed, each with the end of its tokens' lifetime.
    missed: Mutex<HashMap<Uuid, Instant>>,
}

impl Marks {
    /// The marks. A background task repeats writes that Redis has missed.
    pub fn new(redis: &Redis, background: &Background, config: &Config) -> Self {
        let marks = Self(Arc::new(Parts {
            redis: redis.clone(),
            tokens_last: config.auth_access_ttl + config.auth_leeway,
            missed: Mutex::default(),
        }));
        let retrying = marks.clone();
        background.every("session_ends", AGAIN, move || {
            let marks = retrying.clone();
            async move { marks.retry_missed().await }
        });
        marks
    }

    /// Whether a session has ended, by its mark or else by the `database`.
    pub async fn has_ended<F>(
        &self,
        session: Uuid,
        database: impl FnOnce() -> F,
    ) -> sqlx::Result<bool>
    where
        F: Future<Output = sqlx::Result<bool>>,
    {
        if self.missed().contains_key(&session) {
            return Ok(true);
        }
        if let Some(ended) = self.find(session).await {
            return Ok(ended);
        }
        let ended = database().await?;
        let mark = if ended { self.ended(session) } else { self.living(session) };
        // If it fails, the next request queries the database again.
        let _ = self.0.redis.ask(async |mut to| mark.query_async::<()>(&mut to).await).await;
        Ok(ended)
    }

    /// Marks a session as ended, after the database has committed it.
    pub async fn end(&self, session: Uuid) {
        // First, because the client may disconnect before Redis answers.
        self.missed().insert(session, Instant::now() + self.0.tokens_last);
        if self.publish(session).await.is_ok() {
            self.missed().remove(&session);
        } else {
            tracing::warn!(%session, "Redis has missed the end of a session; retrying");
        }
    }

    async fn retry_missed(&self) {
        let now = Instant::now();
        let missed: Vec<Uuid> = {
            let mut missed = self.missed();
            missed.retain(|_, until| now < *until);
            missed.keys().copied().collect()
        };
        for session in missed {
            if self.publish(session).await.is_err() {
                return;
            }
            self.missed().remove(&session);
        }
    }

    async fn find(&self, session: Uuid) -> Option<bool> {
        // MGET treats a key of another type as absent.
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

    /// Stores the mark of an ended session, even while the circuit breaker is open.
    async fn publish(&self, session: Uuid) -> Result<(), Unavailable> {
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
        // NX keeps an existing mark: the session may have ended since the query.
        command.arg(self.key(session)).arg(LIVING).arg("PX").arg(millis(TRUST)).arg("NX");
        command
    }

    fn key(&self, session: Uuid) -> String {
        self.0.redis.key(&format!("session:{session}"))
    }

    fn missed(&self) -> MutexGuard<'_, HashMap<Uuid, Instant>> {
        self.0.missed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}
