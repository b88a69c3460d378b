//! Marks of sessions in Redis, which replicas share, so that a request needs no query.
//!
//! A mark says for a short time which role the account of an active session has. Or it says, for the
//! lifetime of the session's tokens, that the session has ended (the deny list), or that the database
//! is to be asked because the role has changed. Without a mark the database decides, too, so that a
//! Redis that does not answer, or has lost its data, lets no ended session in.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use redis::Cmd;
use serde::{
    Deserialize,
    de::{
        IntoDeserializer,
        value::{self, StrDeserializer},
    },
};
use uuid::Uuid;

use super::super::{leases, users::Role};
use crate::{
    background::Background,
    config::Config,
    redis::{Redis, Unavailable},
};

/// The text of a mark.
const ENDED: &str = "ended";
const ASK: &str = "ask";
/// Before the role.
const ACTIVE: &str = "active:";

/// TTL of a mark of an active session, in case Redis misses a change.
const TRUST: Duration = Duration::from_secs(30);

/// Interval of retries of marks that Redis has missed.
const AGAIN: Duration = Duration::from_secs(1);

/// Marks in one call: few enough for its timeout.
const CHUNK: usize = 100;

/// The marks. Clones share them.
#[derive(Clone)]
pub struct Marks(Arc<Parts>);

struct Parts {
    redis: Redis,
    background: Background,
    /// Longest time that an access token outlives its session.
    tokens_last: Duration,
    missed: Missed,
}

/// Changed sessions whose marks Redis has missed, each with the end of its tokens' lifetime.
#[derive(Default)]
struct Missed(Mutex<HashMap<Uuid, Instant>>);

#[derive(Clone, Copy)]
enum Mark {
    Ended,
    Ask,
    Active(Role),
}

/// A change to sessions that Redis has yet to learn of. When it is dropped before that, as where a
/// client disconnects, a background task repeats it.
#[must_use]
pub struct Change {
    marks: Marks,
    sessions: Vec<Uuid>,
}

impl Marks {
    /// The marks. A background task repeats writes that Redis has missed.
    pub fn new(redis: &Redis, background: &Background, config: &Config) -> Self {
        let marks = Self(Arc::new(Parts {
            redis: redis.clone(),
            background: background.clone(),
            tokens_last: config.auth_access_ttl + config.auth_leeway,
            missed: Missed::default(),
        }));
        let retrying = marks.clone();
        background.every("session_ends", AGAIN, move || {
            let marks = retrying.clone();
            async move { marks.retry_missed().await }
        });
        marks
    }

    /// Role of the account of an active session, by its mark or else by the `database`.
    pub async fn role<F>(
        &self,
        session: Uuid,
        database: impl FnOnce() -> F,
    ) -> sqlx::Result<Option<Role>>
    where
        F: Future<Output = sqlx::Result<Option<Role>>>,
    {
        let missed = self.0.missed.contains(session);
        match if missed { Some(Mark::Ask) } else { self.find(session).await } {
            Some(Mark::Ended) => return Ok(None),
            Some(Mark::Active(role)) => return Ok(Some(role)),
            Some(Mark::Ask) => return database().await,
            None => {}
        }
        let role = database().await?;
        let mark = match role {
            Some(role) => self.active(session, role),
            None => self.lasting(session, ENDED),
        };
        // If it fails, the next request queries the database again.
        let _ = self.0.redis.ask("SET", async |mut to| mark.query_async::<()>(&mut to).await).await;
        Ok(role)
    }

    /// Announces a change to sessions.
    pub fn changing(&self, sessions: Vec<Uuid>) -> Change {
        Change { marks: self.clone(), sessions }
    }

    /// Stores the marks that Redis has missed, even while the circuit breaker is open.
    pub async fn retry_missed(&self) {
        // The transaction of a dropped change may not have committed.
        for chunk in self.0.missed.chunks(Instant::now()) {
            let sessions: Vec<Uuid> = chunk.iter().map(|(session, _)| *session).collect();
            if self.publish(&sessions, ASK).await.is_err() {
                return;
            }
            self.0.missed.settled(&chunk);
        }
    }

    async fn find(&self, session: Uuid) -> Option<Mark> {
        // MGET treats a key of another type as absent.
        let mut command = redis::cmd("MGET");
        command.arg(self.key(session));
        let answer =
            self.0.redis.ask("MGET", async |mut to| command.query_async(&mut to).await).await;
        let marks: Vec<Option<Vec<u8>>> = answer.ok()?;
        match std::str::from_utf8(marks.first()?.as_deref()?).ok()? {
            ENDED => Some(Mark::Ended),
            ASK => Some(Mark::Ask),
            text => {
                let role: StrDeserializer<'_, value::Error> =
                    text.strip_prefix(ACTIVE)?.into_deserializer();
                Role::deserialize(role).ok().map(Mark::Active)
            }
        }
    }

    /// Stores the marks of a chunk of changed sessions, even while the circuit breaker is open.
    async fn publish(&self, sessions: &[Uuid], mark: &str) -> Result<(), Unavailable> {
        let mut marks = redis::pipe();
        for session in sessions {
            marks.add_command(self.lasting(*session, mark)).ignore();
        }
        self.0.redis.insist("PIPELINE", async |mut to| marks.query_async(&mut to).await).await
    }

    /// For the lifetime of the session's tokens.
    fn lasting(&self, session: Uuid, mark: &str) -> Cmd {
        let mut command = redis::cmd("SET");
        command.arg(self.key(session)).arg(mark).arg("PX").arg(millis(self.0.tokens_last));
        command
    }

    fn active(&self, session: Uuid, role: Role) -> Cmd {
        let mut command = redis::cmd("SET");
        let mark = format!("{ACTIVE}{}", role.as_text());
        // NX keeps an existing mark: the session may have changed since the query.
        command.arg(self.key(session)).arg(mark).arg("PX").arg(millis(TRUST)).arg("NX");
        command
    }

    fn key(&self, session: Uuid) -> String {
        self.0.redis.key(format_args!("session:{session}"))
    }
}

impl Missed {
    fn add(&self, sessions: impl Iterator<Item = Uuid>, until: Instant) {
        self.lock().extend(sessions.map(|session| (session, until)));
    }

    fn contains(&self, session: Uuid) -> bool {
        self.lock().contains_key(&session)
    }

    /// The sessions that are still missed at `now`, in chunks for a call each.
    fn chunks(&self, now: Instant) -> Vec<Vec<(Uuid, Instant)>> {
        let mut missed = self.lock();
        missed.retain(|_, until| now < *until);
        let missed: Vec<_> = missed.iter().map(|(session, until)| (*session, *until)).collect();
        missed.chunks(CHUNK).map(<[_]>::to_vec).collect()
    }

    /// Forgets a chunk that was published, but for sessions that have changed again since then.
    fn settled(&self, chunk: &[(Uuid, Instant)]) {
        let mut missed = self.lock();
        for (session, until) in chunk {
            if missed.get(session) == Some(until) {
                missed.remove(session);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Change {
    /// The transaction has committed: the sessions have ended.
    pub async fn ended(self) {
        self.publish(ENDED).await;
    }

    /// The transaction has committed: the sessions have another role.
    pub async fn took_effect(self) {
        self.publish(ASK).await;
    }

    async fn publish(self, mark: &str) {
        self.store(mark).await;
        // Even of no session: a request that is not answered yet may have changed them just before.
        leases::expired().await;
    }

    async fn store(mut self, mark: &str) {
        while let Some(chunk) = self.sessions.rchunks(CHUNK).next() {
            let rest = self.sessions.len() - chunk.len();
            if self.marks.publish(chunk, mark).await.is_err() {
                let sessions = self.sessions.len();
                tracing::warn!(sessions, "Redis has missed a change of sessions; retrying");
                return;
            }
            self.sessions.truncate(rest);
        }
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        if self.sessions.is_empty() {
            return;
        }
        let marks = self.marks.clone();
        let until = Instant::now() + marks.0.tokens_last;
        marks.0.missed.add(self.sessions.drain(..), until);
        self.marks.0.background.spawn(async move { marks.retry_missed().await });
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(numbers: std::ops::Range<u128>) -> impl Iterator<Item = Uuid> {
        numbers.map(Uuid::from_u128)
    }

    /// Each chunk has the timeout of a call: a backlog that is too long for one call ends all the same.
    #[test]
    fn a_backlog_is_retried_in_chunks_and_each_chunk_until_it_is_settled() {
        let (missed, now) = (Missed::default(), Instant::now());
        missed.add(sessions(0..250), now + TRUST);
        let chunks = missed.chunks(now);
        assert_eq!(chunks.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
        missed.settled(&chunks[0]);
        let left = missed.chunks(now).concat();
        assert_eq!(left.len(), 150);
        assert!(left.iter().all(|missed| !chunks[0].contains(missed)));
        assert!(missed.chunks(now + TRUST).is_empty(), "no token is valid any more");
    }

    #[test]
    fn a_change_during_a_retry_is_not_forgotten() {
        let (missed, now) = (Missed::default(), Instant::now());
        missed.add(sessions(0..2), now + TRUST);
        let chunks = missed.chunks(now);
        missed.add(sessions(1..2), now + TRUST * 2);
        missed.settled(&chunks[0]);
        assert!(!missed.contains(Uuid::from_u128(0)) && missed.contains(Uuid::from_u128(1)));
    }
}
