//! What was found out lately, in bounded memory.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Entries that are kept: a token with what it says takes some 400 bytes.
const MAX: usize = 4096;

/// The latest value of each key.
pub struct Recent<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Copy> Recent<K, V> {
    /// The value of a key, if it is kept.
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.lock().get(key).copied()
    }

    /// Keeps a value. Where too many are kept, all are forgotten: those in use come back with their
    /// next request.
    pub fn keep(&self, key: K, value: V) {
        let mut kept = self.lock();
        if kept.len() >= MAX {
            kept.clear();
        }
        kept.insert(key, value);
    }

    /// All values.
    pub fn lock(&self) -> MutexGuard<'_, HashMap<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded() {
        let recent = Recent::default();
        for number in 0..=MAX {
            recent.keep(number, ());
        }
        assert_eq!(recent.lock().len(), 1);
        assert!(recent.get(&MAX).is_some());
    }
}
