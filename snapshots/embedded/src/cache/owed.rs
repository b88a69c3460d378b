//! Invalidations that are due: the store has missed them, or nothing is known of their writes. Until
//! they are made, this process does not read the entries from the store.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use super::Key;

/// Further invalidations are dropped: the entries end with their TTL.
const MOST: usize = 10_000;

/// Invalidations by key.
#[derive(Default)]
pub struct Owed {
    keys: Mutex<HashMap<Key, Due>>,
    count: AtomicU64,
}

/// When an invalidation is made for good.
#[derive(Clone, Copy)]
pub struct Due {
    /// Tells a later debt of the same key from the one that was settled.
    number: u64,
    /// It is repeated until then: the write may take effect later than the first one.
    until: Instant,
}

impl Owed {
    pub fn contains(&self, key: &Key) -> bool {
        let keys = self.lock();
        // The common case.
        if keys.is_empty() {
            return false;
        }
        keys.contains_key(&key.invalidated_by())
    }

    pub fn add(&self, owed: &[Key], until: Instant) {
        let mut keys = self.lock();
        for key in owed {
            let earlier = keys.get(key).map(|due| due.until);
            if earlier.is_none() && keys.len() >= MOST {
                tracing::warn!("too many invalidations are owed; some entries may be stale");
                return;
            }
            let number = self.count.fetch_add(1, Ordering::Relaxed);
            let until = earlier.map_or(until, |earlier| earlier.max(until));
            keys.insert(key.clone(), Due { number, until });
        }
    }

    pub fn all(&self) -> Vec<(Key, Due)> {
        self.lock().iter().map(|(key, due)| (key.clone(), *due)).collect()
    }

    /// The invalidations were made after `start`.
    pub fn settled(&self, paid: &[(Key, Due)], start: Instant) {
        let mut keys = self.lock();
        for (key, due) in paid {
            if due.until <= start && keys.get(key).is_some_and(|now| now.number == due.number) {
                keys.remove(key);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Due>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
