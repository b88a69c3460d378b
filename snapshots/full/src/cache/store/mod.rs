//! The store: entries in Redis, for all replicas.
//!
//! An entry is `SHAPE:GENERATION|VALUE`. The shape is that of the type; an entry of another one, which
//! a replica of another version of the service has stored, counts as absent. It is not a part of the
//! key: a write must invalidate the entries of all versions.
//!
//! The generation of an entity is empty; that of a list is the generation of its name before the
//! load, and an entry of another generation counts as absent. So one command invalidates all lists of
//! a name, and no list from before the write comes back.

mod shape;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use metrics::counter;
use redis::{Script, ToRedisArgs};
use tokio::time::sleep;
use utoipa::ToSchema;
use uuid::Uuid;

use self::shape::{Shape, Shapes};
use super::{Claim, Effort, Key};
use crate::{background::Background, config::Config, redis::Redis};

/// TTL of the lock of a load: another process takes over from one that died.
const LOCK_MS: u32 = 10_000;

/// Longest wait for another process; then a task loads by itself.
const PATIENCE: Duration = Duration::from_secs(1);
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LAST_LOOK: Duration = Duration::from_millis(80);

/// The entries.
#[derive(Clone)]
pub struct Store(Arc<Parts>);

struct Parts {
    redis: Redis,
    background: Background,
    claim: Script,
    release: Script,
    generation_ttl: Duration,
    max_value: usize,
    shapes: Shapes,
}

/// The right to store the value of the current load. It is returned when it is dropped.
pub struct Lease {
    store: Store,
    key: Key,
    token: String,
    shape: Shape,
    generation: Vec<u8>,
    held: bool,
}

impl Store {
    /// The entries of this service.
    pub fn new(redis: &Redis, background: &Background, config: &Config) -> Self {
        Self(Arc::new(Parts {
            redis: redis.clone(),
            background: background.clone(),
            claim: Script::new(include_str!("claim.lua")),
            release: Script::new(include_str!("release.lua")),
            // Outlives every list that was stored before it, also by a replica of other settings.
            generation_ttl: (config.cache_ttl * 2).max(Duration::from_hours(1)),
            max_value: config.cache_max_value_bytes as usize,
            shapes: Shapes::default(),
        }))
    }

    pub(super) async fn get<T: ToSchema + 'static>(&self, key: &Key) -> Option<Bytes> {
        let mut command = redis::cmd("MGET");
        command.arg(self.entry(key));
        if key.is_list() {
            command.arg(self.generation(key.name));
        }
        let answer =
            self.0.redis.ask("MGET", async |mut to| command.query_async(&mut to).await).await;
        let Ok(found): Result<Vec<Option<Vec<u8>>>, _> = answer else {
            counter!("cache_unanswered_total", "cache" => key.name).increment(1);
            return None;
        };
        let mut found = found.into_iter();
        let entry = found.next().flatten()?;
        let generation = found.next().flatten().unwrap_or_default();
        let prefix = prefix(self.0.shapes.of::<T>(), &generation);
        entry.starts_with(&prefix).then(|| Bytes::from(entry).slice(prefix.len()..))
    }

    /// Waits up to [`PATIENCE`] for another process that loads the value.
    pub(super) async fn claim<T: ToSchema + 'static>(
        &self,
        key: &Key,
        garbage: Option<Bytes>,
    ) -> Claim {
        let shape = self.0.shapes.of::<T>();
        // Before the call, because the client may disconnect before the answer.
        let mut lease = Lease {
            store: self.clone(),
            key: key.clone(),
            token: Uuid::now_v7().to_string(),
            shape,
            generation: Vec::new(),
            held: true,
        };
        let mut call = self.0.claim.key(self.entry(key));
        call.key(self.lock(key)).arg(&lease.token).arg(LOCK_MS);
        call.arg(garbage.as_deref().unwrap_or_default()).arg(shape.as_bytes());
        if key.is_list() {
            call.key(self.generation(key.name));
        }
        let (start, mut pause) = (Instant::now(), FIRST_LOOK);
        loop {
            let answer =
                self.0.redis.ask("EVALSHA", async |mut to| call.invoke_async(&mut to).await).await;
            let Ok((json, generation, taken)) = answer else { break };
            let (json, taken): (Option<Vec<u8>>, bool) = (json, taken);
            if taken {
                lease.generation = generation;
                return Claim::Load(Some(lease));
            }
            if let Some(json) = json {
                lease.held = false;
                return Claim::Loaded(json.into());
            }
            if start.elapsed() >= PATIENCE {
                break;
            }
            sleep(pause).await;
            pause = LAST_LOOK.min(pause * 2);
        }
        lease.held = false;
        Claim::Load(None)
    }

    /// Returns true only if Redis confirms that no invalidation came since the claim.
    pub(super) async fn put(&self, mut lease: Lease, json: Bytes, ttl: Duration) -> bool {
        lease.held = false;
        let mut entry = prefix(lease.shape, &lease.generation);
        entry.extend_from_slice(&json);
        let kept = (json.len() <= self.0.max_value).then_some((entry, millis(ttl)));
        self.release(&lease.key, &lease.token, &lease.generation, kept).await
    }

    /// Invalidates these entities, and the lists whose [`Key::lists`] is among the keys. Returns whether
    /// Redis has done it. The last attempt is made even while the circuit breaker is open.
    pub(super) async fn invalidate(&self, keys: &[Key], effort: Effort) -> bool {
        let mut commands = redis::pipe();
        for key in keys {
            if key.is_list() {
                let generation = Uuid::now_v7().simple().to_string();
                let ttl = millis(self.0.generation_ttl);
                let command = commands.cmd("SET").arg(self.generation(key.name)).arg(generation);
                command.arg("PX").arg(ttl).ignore();
            } else {
                // The lock, too: its holder has loaded an old value.
                commands.cmd("DEL").arg(self.entry(key)).arg(self.lock(key)).ignore();
            }
        }
        let call = async |mut to| commands.query_async::<()>(&mut to).await;
        let done = match effort {
            Effort::Usual => self.0.redis.ask("PIPELINE", call).await,
            Effort::Last => self.0.redis.insist("PIPELINE", call).await,
        };
        done.is_ok()
    }

    async fn release(
        &self,
        key: &Key,
        token: &str,
        generation: &[u8],
        kept: Option<(Vec<u8>, u64)>,
    ) -> bool {
        let mut call = self.0.release.key(self.entry(key));
        call.key(self.lock(key)).arg(token).arg(generation);
        if key.is_list() {
            call.key(self.generation(key.name));
        }
        if let Some((entry, ttl)) = kept {
            call.arg(entry).arg(ttl);
        }
        let answer = self.0.redis.ask("EVALSHA", async |mut to| call.invoke_async(&mut to).await);
        // If it fails, the lock expires.
        answer.await.unwrap_or(false)
    }

    fn entry(&self, key: &Key) -> impl ToRedisArgs {
        self.0.redis.key(key)
    }

    fn lock(&self, key: &Key) -> impl ToRedisArgs {
        self.0.redis.key(format_args!("lock:{key}"))
    }

    fn generation(&self, name: &str) -> impl ToRedisArgs {
        self.0.redis.key(format_args!("generation:{name}"))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.held {
            let (store, key) = (self.store.clone(), self.key.clone());
            let token = std::mem::take(&mut self.token);
            let background = store.0.background.clone();
            background.spawn(async move {
                store.release(&key, &token, &[], None).await;
            });
        }
    }
}

/// The part of an entry before its value.
fn prefix(shape: Shape, generation: &[u8]) -> Vec<u8> {
    [shape.as_bytes(), b":", generation, b"|"].concat()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}
