//! Invalidations that are due: the store has missed them, or nothing is known of their writes. Until
//! they are made, this process does not read the entries from the store.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
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
    /// Whether some were dropped, which is logged once until there is room again.
    full: AtomicBool,
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
                if !self.full.swap(true, Ordering::Relaxed) {
                    tracing::warn!("too many invalidations are owed; some entries may be stale");
                }
                continue;
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
        if keys.len() < MOST {
            self.full.store(false, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Due>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn at_the_limit_an_invalidation_that_is_owed_is_still_extended() {
        let (owed, start) = (Owed::default(), Instant::now());
        let keys: Vec<_> = (0..MOST).map(|id| Key::entity("things", id)).collect();
        owed.add(&keys, start);
        let (beyond, known) = (Key::entity("things", MOST), keys[0].clone());
        owed.add(&[beyond.clone(), known.clone()], start + Duration::from_mins(1));
        assert!(!owed.contains(&beyond));
        owed.settled(&owed.all(), start + Duration::from_secs(1));
        assert!(owed.contains(&known), "its write may take effect later");
        assert_eq!(owed.all().len(), 1);
    }
}
