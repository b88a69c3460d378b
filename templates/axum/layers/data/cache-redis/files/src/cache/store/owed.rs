//! Invalidations that Redis has missed. Until they are repeated, this process does not read the
//! entries from Redis.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::Key;

/// Further invalidations are dropped: the entries end with their TTL.
const MOST: usize = 10_000;

/// Missed invalidations by key. The number tells a later one of the same key from the one that was
/// repeated.
#[derive(Default)]
pub struct Owed {
    keys: Mutex<HashMap<Key, u64>>,
    count: AtomicU64,
}

/// Returns the key under which all lists of a name are owed.
pub fn lists(name: &'static str) -> Key {
    Key::list(name, "")
}

impl Owed {
    pub fn contains(&self, key: &Key) -> bool {
        let keys = self.lock();
        // The common case.
        if keys.is_empty() {
            return false;
        }
        if key.is_list() { keys.contains_key(&lists(key.name)) } else { keys.contains_key(key) }
    }

    pub fn add(&self, owed: Vec<Key>) {
        let mut keys = self.lock();
        let room = MOST.saturating_sub(keys.len());
        if owed.len() > room {
            tracing::warn!("too many invalidations are owed to Redis; some entries may be stale");
        }
        for key in owed.into_iter().take(room) {
            keys.insert(key, self.count.fetch_add(1, Ordering::Relaxed));
        }
    }

    /// Returns up to `count` invalidations to repeat.
    pub fn some(&self, count: usize) -> Vec<(Key, u64)> {
        let keys = self.lock();
        keys.iter().take(count).map(|(key, number)| (key.clone(), *number)).collect()
    }

    pub fn settled(&self, paid: Vec<(Key, u64)>) {
        let mut keys = self.lock();
        for (key, number) in paid {
            if keys.get(&key) == Some(&number) {
                keys.remove(&key);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, u64>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
