//! The store: entries in the memory of this process, up to a limit.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use bytes::Bytes;
use moka::{Expiry, future::Cache};

use super::{Claim, Key};

/// Approximate bytes of an entry beside its key and value.
const OVERHEAD: usize = 200;

/// The entries.
pub struct Store {
    entries: Cache<Slot, Entry>,
    /// Number of invalidations of each name. Names are few: the code has them.
    generations: RwLock<HashMap<&'static str, u64>>,
}

/// The place of an entry. An invalidation gives a list another place; the old one is never read
/// again.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Slot {
    key: Key,
    generation: u64,
}

/// The right to put an entry into the place that it had before the load.
pub type Lease = Slot;

#[derive(Clone)]
struct Entry {
    json: Bytes,
    ttl: Duration,
}

struct Lifetimes;

impl Expiry<Slot, Entry> for Lifetimes {
    fn expire_after_create(&self, _: &Slot, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(
        &self,
        _: &Slot,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.ttl)
    }
}

impl Store {
    /// An empty store for `max_bytes`.
    pub fn new(max_bytes: u32) -> Self {
        let entries = Cache::builder()
            .max_capacity(max_bytes.into())
            .weigher(|slot: &Slot, entry: &Entry| {
                let bytes = slot.key.to_string().len() + entry.json.len() + OVERHEAD;
                u32::try_from(bytes).unwrap_or(u32::MAX)
            })
            .expire_after(Lifetimes)
            .build();
        Self { entries, generations: RwLock::default() }
    }

    pub(super) async fn get(&self, key: &Key) -> Option<Bytes> {
        Some(self.entries.get(&self.slot(key)).await?.json)
    }

    pub(super) async fn claim(&self, key: &Key, _garbage: Option<Bytes>) -> Claim {
        let slot = self.slot(key);
        match self.entries.get(&slot).await {
            // Loaded between `get` and `claim`.
            Some(entry) => Claim::Loaded(entry.json),
            None => Claim::Load(Some(slot)),
        }
    }

    pub(super) async fn put(&self, lease: Lease, json: Bytes, ttl: Duration) {
        self.entries.insert(lease, Entry { json, ttl }).await;
    }

    pub(super) async fn remove(&self, key: &Key) {
        self.entries.invalidate(&self.slot(key)).await;
    }

    pub(super) async fn invalidate(&self, name: &'static str, entities: Vec<Key>) {
        {
            let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
            *generations.entry(name).or_default() += 1;
        }
        for key in &entities {
            self.remove(key).await;
        }
    }

    fn slot(&self, key: &Key) -> Slot {
        let generation = if key.is_list() {
            let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
            generations.get(key.name).copied().unwrap_or_default()
        } else {
            0
        };
        Slot { key: key.clone(), generation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn memory_is_bounded() {
        let store = Store::new(1_048_576);
        for id in 0..10_000 {
            let slot = store.slot(&Key::entity("things", id));
            store.put(slot, Bytes::from(vec![b'x'; 10_000]), Duration::from_mins(5)).await;
        }
        store.entries.run_pending_tasks().await;
        assert!(store.entries.weighted_size() <= 1_048_576);
        assert!(store.entries.entry_count() > 50, "and is used");
    }
}
