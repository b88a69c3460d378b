//! Invalidations that Redis has missed. Until they are made up for, this process reads nothing of
//! what they are about from Redis.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::Key;

/// More than this is not remembered: what it is about ends with its TTL.
const MOST: usize = 10_000;

/// By key, each with the number of the debt: one may be made twice.
#[derive(Default)]
pub struct Owed {
    keys: Mutex<HashMap<Key, u64>>,
    count: AtomicU64,
}

/// Stands for all lists of a name.
pub fn lists(name: &'static str) -> Key {
    Key::list(name, "")
}

impl Owed {
    pub fn contains(&self, key: &Key) -> bool {
        let keys = self.lock();
        // Most of the time.
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

    /// At most `count` of them.
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
