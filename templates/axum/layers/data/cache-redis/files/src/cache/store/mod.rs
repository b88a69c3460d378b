//! The store: entries in Redis, for all replicas.
//!
//! An entry is `GENERATION|JSON`. The generation of an entity is empty; that of a list is the
//! generation of its name before the load, and an entry of another generation counts as absent. So
//! one command invalidates all lists of a name, and no list from before the write comes back.

mod owed;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use metrics::counter;
use redis::{Script, ToRedisArgs};
use tokio::time::sleep;
use uuid::Uuid;

use self::owed::Owed;
use super::{Claim, Key};
use crate::{
    background::Background,
    config::Config,
    redis::{Redis, Unavailable},
};

/// TTL of the lock of a load: another process takes over from one that died.
const LOCK_MS: u32 = 10_000;

/// Longest wait for another process; then a task loads by itself.
const PATIENCE: Duration = Duration::from_secs(1);
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LAST_LOOK: Duration = Duration::from_millis(80);

/// Interval and batch size of retries of missed invalidations.
const SETTLE: Duration = Duration::from_secs(1);
const BATCH: usize = 100;

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
    owed: Owed,
}

/// The right to store the value of the current load. It is returned when it is dropped.
pub struct Lease {
    store: Store,
    key: Key,
    token: String,
    generation: Vec<u8>,
    held: bool,
}

impl Store {
    /// The entries of this service.
    pub fn new(redis: &Redis, background: &Background, config: &Config) -> Self {
        let store = Self(Arc::new(Parts {
            redis: redis.clone(),
            background: background.clone(),
            claim: Script::new(include_str!("claim.lua")),
            release: Script::new(include_str!("release.lua")),
            // Outlives every list that was stored before it, also by a replica of other settings.
            generation_ttl: (config.cache_ttl * 2).max(Duration::from_hours(1)),
            max_value: config.cache_max_value_bytes as usize,
            owed: Owed::default(),
        }));
        let settling = store.clone();
        background.every("cache_invalidations", SETTLE, move || {
            let store = settling.clone();
            async move { store.settle().await }
        });
        store
    }

    pub(super) async fn get(&self, key: &Key) -> Option<Bytes> {
        let mut command = redis::cmd("MGET");
        command.arg(self.entry(key));
        if key.is_list() {
            command.arg(self.generation(key.name));
        }
        let answer = if self.0.owed.contains(key) {
            Err(Unavailable)
        } else {
            self.0.redis.ask(async |mut to| command.query_async(&mut to).await).await
        };
        let Ok(found): Result<Vec<Option<Vec<u8>>>, _> = answer else {
            counter!("cache_unanswered_total", "cache" => key.name).increment(1);
            return None;
        };
        let mut found = found.into_iter();
        let entry = found.next().flatten()?;
        fresh(entry, &found.next().flatten().unwrap_or_default())
    }

    /// Waits up to [`PATIENCE`] for another process that loads the value.
    pub(super) async fn claim(&self, key: &Key, garbage: Option<Bytes>) -> Claim {
        if self.0.owed.contains(key) {
            return Claim::Load(None);
        }
        // Before the call, because the client may disconnect before the answer.
        let mut lease = Lease {
            store: self.clone(),
            key: key.clone(),
            token: Uuid::now_v7().to_string(),
            generation: Vec::new(),
            held: true,
        };
        let mut call = self.0.claim.key(self.entry(key));
        call.key(self.lock(key)).arg(&lease.token).arg(LOCK_MS);
        call.arg(garbage.as_deref().unwrap_or_default());
        if key.is_list() {
            call.key(self.generation(key.name));
        }
        let (start, mut pause) = (Instant::now(), FIRST_LOOK);
        loop {
            let answer = self.0.redis.ask(async |mut to| call.invoke_async(&mut to).await).await;
            let Ok((entry, generation, taken)) = answer else { break };
            let (entry, taken): (Option<Vec<u8>>, bool) = (entry, taken);
            if taken {
                lease.generation = generation;
                return Claim::Load(Some(lease));
            }
            if let Some(json) = entry.and_then(|entry| fresh(entry, &generation)) {
                lease.held = false;
                return Claim::Loaded(json);
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

    pub(super) async fn put(&self, mut lease: Lease, json: Bytes, ttl: Duration) {
        lease.held = false;
        let mut entry = std::mem::take(&mut lease.generation);
        entry.push(b'|');
        entry.extend_from_slice(&json);
        let kept = (json.len() <= self.0.max_value).then_some((entry, millis(ttl)));
        self.release(&lease.key, &lease.token, kept).await;
    }

    pub(super) async fn remove(&self, key: &Key) {
        self.forget_or_owe(vec![key.clone()]).await;
    }

    pub(super) async fn invalidate(&self, name: &'static str, entities: Vec<Key>) {
        let mut keys = entities;
        keys.push(owed::lists(name));
        self.forget_or_owe(keys).await;
    }

    async fn forget_or_owe(&self, keys: Vec<Key>) {
        if self.forget(&keys).await.is_err() {
            self.0.owed.add(keys);
        }
    }

    /// The lock, too: its holder has loaded an old value.
    async fn forget(&self, keys: &[Key]) -> Result<(), Unavailable> {
        let mut commands = redis::pipe();
        for key in keys {
            if key.is_list() {
                let generation = Uuid::now_v7().simple().to_string();
                let ttl = millis(self.0.generation_ttl);
                let command = commands.cmd("SET").arg(self.generation(key.name)).arg(generation);
                command.arg("PX").arg(ttl).ignore();
            } else {
                commands.cmd("DEL").arg(self.entry(key)).arg(self.lock(key)).ignore();
            }
        }
        self.0.redis.ask(async |mut to| commands.query_async(&mut to).await).await
    }

    /// Makes up for invalidations that Redis has missed.
    async fn settle(&self) {
        loop {
            let owed = self.0.owed.some(BATCH);
            let keys: Vec<_> = owed.iter().map(|(key, _)| key.clone()).collect();
            if keys.is_empty() || self.forget(&keys).await.is_err() {
                return;
            }
            self.0.owed.settled(owed);
        }
    }

    async fn release(&self, key: &Key, token: &str, kept: Option<(Vec<u8>, u64)>) {
        let mut call = self.0.release.key(self.entry(key));
        call.key(self.lock(key)).arg(token);
        if let Some((entry, ttl)) = kept {
            call.arg(entry).arg(ttl);
        }
        // If it fails, the lock expires.
        let _ = self.0.redis.ask(async |mut to| call.invoke_async::<()>(&mut to).await).await;
    }

    fn entry(&self, key: &Key) -> impl ToRedisArgs {
        self.0.redis.key(&key.to_string())
    }

    fn lock(&self, key: &Key) -> impl ToRedisArgs {
        self.0.redis.key(&format!("lock:{key}"))
    }

    fn generation(&self, name: &str) -> impl ToRedisArgs {
        self.0.redis.key(&format!("generation:{name}"))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.held {
            let (store, key) = (self.store.clone(), self.key.clone());
            let token = std::mem::take(&mut self.token);
            let background = store.0.background.clone();
            background.spawn(async move { store.release(&key, &token, None).await });
        }
    }
}

/// The JSON of an entry of this generation.
fn fresh(entry: Vec<u8>, generation: &[u8]) -> Option<Bytes> {
    let json = entry.strip_prefix(generation)?.strip_prefix(b"|")?;
    let start = entry.len() - json.len();
    Some(Bytes::from(entry).slice(start..))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}
