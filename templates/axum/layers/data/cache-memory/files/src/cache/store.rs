//! The store: entries in the memory of this process, up to a limit.

#![allow(
    clippy::extra_unused_type_parameters,
    clippy::unused_async,
    reason = "a store that other processes share has to know the types, and to be awaited"
)]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use moka::{Expiry, sync::Cache};

use super::{Claim, Effort, Key};

/// Approximate bytes of an entry beside its key and value.
const OVERHEAD: usize = 200;

/// The entries.
#[derive(Clone)]
pub struct Store(Arc<Parts>);

struct Parts {
    entries: Cache<Slot, Entry>,
    loads: Mutex<Loads>,
}

/// The place of an entry. An invalidation gives a list another place; the old one is never read
/// again.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Slot {
    key: Key,
    generation: u64,
}

#[derive(Default)]
struct Loads {
    /// The load whose value is stored, for each key that is being loaded.
    running: HashMap<Key, u64>,
    /// Number of all loads so far.
    count: u64,
    /// Number of invalidations of the lists of each name. Names are few: the code has them.
    generations: HashMap<&'static str, u64>,
}

/// The right to store the value of the current load, until the key is invalidated.
pub struct Lease {
    store: Store,
    key: Key,
    number: u64,
}

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
        Self(Arc::new(Parts { entries, loads: Mutex::default() }))
    }

    pub(super) async fn get<T>(&self, key: &Key) -> Option<Bytes> {
        Some(self.0.entries.get(&self.loads().slot(key))?.json)
    }

    pub(super) async fn claim<T>(&self, key: &Key, _garbage: Option<Bytes>) -> Claim {
        let mut loads = self.loads();
        if let Some(entry) = self.0.entries.get(&loads.slot(key)) {
            // Loaded between `get` and `claim`.
            return Claim::Loaded(entry.json);
        }
        loads.count += 1;
        let number = loads.count;
        loads.running.insert(key.clone(), number);
        Claim::Load(Some(Lease { store: self.clone(), key: key.clone(), number }))
    }

    /// Under the lock of the loads: an invalidation comes before, and nothing is stored, or after, and
    /// removes the entry. Returns false where it came before.
    pub(super) async fn put(&self, lease: Lease, json: Bytes, ttl: Duration) -> bool {
        let loads = self.loads();
        let is_current = loads.running.get(&lease.key) == Some(&lease.number);
        if is_current {
            self.0.entries.insert(loads.slot(&lease.key), Entry { json, ttl });
        }
        is_current
    }

    /// Invalidates these entities, and the lists whose [`Key::lists`] is among the keys. Returns true:
    /// other stores may not answer.
    pub(super) async fn invalidate(&self, keys: &[Key], _: Effort) -> bool {
        let mut loads = self.loads();
        loads.running.retain(|key, _| !keys.contains(&key.invalidated_by()));
        for key in keys {
            if key.is_list() {
                *loads.generations.entry(key.name).or_default() += 1;
            } else {
                self.0.entries.invalidate(&loads.slot(key));
            }
        }
        true
    }

    fn loads(&self) -> MutexGuard<'_, Loads> {
        self.0.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loads {
    fn slot(&self, key: &Key) -> Slot {
        let generation = if key.is_list() { self.generations.get(key.name).copied() } else { None };
        Slot { key: key.clone(), generation: generation.unwrap_or_default() }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut loads = self.store.loads();
        if loads.running.get(&self.key) == Some(&self.number) {
            loads.running.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn claim(store: &Store, key: &Key) -> Lease {
        match store.claim::<()>(key, None).await {
            Claim::Load(Some(lease)) => lease,
            _ => panic!("{key} is cached"),
        }
    }

    #[tokio::test]
    async fn memory_is_bounded() {
        let store = Store::new(1_048_576);
        for id in 0..10_000 {
            let lease = claim(&store, &Key::entity("things", id)).await;
            assert!(store.put(lease, vec![b'x'; 10_000].into(), Duration::from_mins(5)).await);
        }
        store.0.entries.run_pending_tasks();
        assert!(store.0.entries.weighted_size() <= 1_048_576);
        assert!(store.0.entries.entry_count() > 50, "and is used");
        assert!(store.loads().running.is_empty());
    }

    #[tokio::test]
    async fn a_value_from_before_an_invalidation_is_never_stored() {
        let store = Store::new(1_048_576);
        for key in [Key::entity("things", 1), Key::list("things", "limit=20")] {
            let lease = claim(&store, &key).await;
            store.invalidate(&[key.invalidated_by()], Effort::Usual).await;
            let value = Bytes::from_static(b"1");
            assert!(!store.put(lease, value, Duration::from_mins(5)).await, "{key}");
            assert_eq!(store.get::<()>(&key).await, None, "{key}");
        }
    }

    #[tokio::test]
    async fn a_failed_load_leaves_nothing_behind() {
        let store = Store::new(1_048_576);
        drop(claim(&store, &Key::entity("things", 1)).await);
        assert!(store.loads().running.is_empty());
    }
}
