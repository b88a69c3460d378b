//! Cache-aside: loaded values are kept for their TTL, and invalidated when they change.
//!
//! Absent values are kept, too, so that made-up IDs cost no query. One task loads a key, and the
//! others wait for it. TTLs vary, so that values that were loaded together do not expire together.
//! A fault of the store is not an error: the value is loaded.

mod encoded;
mod flights;
mod key;
mod owed;
mod store;

use std::{
    fmt::Display,
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use metrics::{counter, histogram};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

pub use self::{encoded::Encoded, key::Key, store::Store};
use self::{
    flights::{Flights, Landing, Seat},
    owed::Owed,
};
use crate::{
    background::Background,
    config::{Config, Env},
    error::Error,
};

/// The entry of an absent value.
const ABSENT: &[u8] = b"null";

/// Longer keys are not cached: clients choose the texts of searches.
const LONGEST_KEY: usize = 500;

/// Interval and batch size of invalidations that are owed.
const SETTLE: Duration = Duration::from_secs(1);
const BATCH: usize = 100;

/// Values that were loaded before. Clones share them.
#[derive(Clone)]
pub struct Cache(Arc<Parts>);

struct Parts {
    store: Store,
    flights: Flights,
    owed: Owed,
    background: Background,
    ttl: Duration,
    negative_ttl: Duration,
    /// A write whose answer is not known has ended by then, in one way or the other.
    longest_write: Duration,
}

/// How a value stands in the store.
struct Form<V> {
    read: fn(&Bytes) -> Option<V>,
    write: fn(&V) -> serde_json::Result<Bytes>,
    is_absent: fn(&V) -> bool,
}

impl<V: Serialize + DeserializeOwned> Form<V> {
    fn json(is_absent: fn(&V) -> bool) -> Self {
        Self {
            read: |json| serde_json::from_slice(json).ok(),
            write: |value| serde_json::to_vec(value).map(Bytes::from),
            is_absent,
        }
    }
}

impl<T: ToSchema> Form<Option<Encoded<T>>> {
    fn encoded() -> Self {
        Self {
            read: |entry| match entry.as_ref() {
                ABSENT => Some(None),
                _ => Encoded::from_entry(entry).map(Some),
            },
            write: |value| Ok(value.as_ref().map_or(Bytes::from_static(ABSENT), Encoded::to_entry)),
            is_absent: Option::is_none,
        }
    }
}

/// How hard to try an invalidation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effort {
    /// It is repeated later.
    Usual,
    /// There is no later attempt.
    Last,
}

/// Answer of the store before a load.
enum Claim {
    /// Another task has loaded the value.
    Loaded(Bytes),
    /// The value must be loaded. With a lease the store accepts it; without one it does not.
    Load(Option<store::Lease>),
}

impl Cache {
    /// An empty cache.
    pub fn new(store: Store, background: &Background, config: &Config) -> Self {
        let cache = Self(Arc::new(Parts {
            store,
            flights: Flights::default(),
            owed: Owed::default(),
            background: background.clone(),
            ttl: config.cache_ttl,
            negative_ttl: config.cache_negative_ttl,
            longest_write: config.request_timeout + crate::db::longest_write(config),
        }));
        let settling = cache.clone();
        background.every("cache_invalidations", SETTLE, move || {
            let cache = settling.clone();
            async move { cache.settle(Effort::Usual).await }
        });
        cache
    }

    /// The value of `key`, from the cache or from `load`. `None` is cached as well, an error is not.
    ///
    /// # Errors
    /// The errors of `load`.
    pub async fn get_or_load<T, E, F>(
        &self,
        key: &Key,
        load: impl FnOnce() -> F,
    ) -> Result<Option<T>, E>
    where
        T: Serialize + DeserializeOwned + ToSchema + 'static,
        E: Clone + Send + Sync + 'static,
        F: Future<Output = Result<Option<T>, E>>,
    {
        self.through::<T, _, _, _>(key, load, &Form::json(Option::is_none)).await
    }

    /// The same for a value that is kept as it is sent.
    ///
    /// # Errors
    /// The errors of `load`.
    pub async fn encoded_or_load<T, E, F>(
        &self,
        key: &Key,
        load: impl FnOnce() -> F,
    ) -> Result<Option<Encoded<T>>, E>
    where
        T: ToSchema + 'static,
        E: Clone + Send + Sync + 'static,
        F: Future<Output = Result<Option<Encoded<T>>, E>>,
    {
        self.through::<Encoded<T>, _, _, _>(key, load, &Form::encoded()).await
    }

    /// The same for a [`Key::list`], which may be empty and is never absent.
    ///
    /// # Errors
    /// The errors of `load`.
    pub async fn list_or_load<T, E, F>(&self, key: &Key, load: impl FnOnce() -> F) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned + ToSchema + 'static,
        E: Clone + Send + Sync + 'static,
        F: Future<Output = Result<T, E>>,
    {
        self.through::<T, _, _, _>(key, load, &Form::json(|_| false)).await
    }

    /// Makes a write, then invalidates these entities and every list of their kind; none for a write
    /// that the database rejects. This holds for every end of the caller: where the client leaves,
    /// the deadline passes or the answer of the database is lost, the invalidation is repeated until
    /// the write must be over.
    ///
    /// # Errors
    /// The error of the write.
    pub async fn invalidate_after<T, E: Into<Error>>(
        &self,
        write: impl Future<Output = Result<T, E>>,
        name: &'static str,
        ids: impl IntoIterator<Item: Display>,
    ) -> Result<T, Error> {
        let debt = Debt::new(self, name, ids);
        match write.await {
            Ok(written) => {
                debt.settle().await;
                Ok(written)
            }
            Err(error) => {
                let error = error.into();
                if !matches!(error, Error::Unavailable(_) | Error::TimedOut | Error::Internal(_)) {
                    debt.cancel();
                }
                Err(error)
            }
        }
    }

    /// Invalidates these entities, and every list of their kind. Call it after a commit, where
    /// [`Cache::invalidate_after`] cannot make the commit itself.
    pub async fn invalidate(&self, name: &'static str, ids: impl IntoIterator<Item: Display>) {
        Debt::new(self, name, ids).settle().await;
    }

    /// `V` is `T`, or an optional one.
    async fn through<T, V, E, F>(
        &self,
        key: &Key,
        load: impl FnOnce() -> F,
        form: &Form<V>,
    ) -> Result<V, E>
    where
        T: ToSchema + 'static,
        E: Clone + Send + Sync + 'static,
        F: Future<Output = Result<V, E>>,
    {
        let name = key.name;
        let load = async || {
            let start = Instant::now();
            let loaded = load().await;
            histogram!("cache_load_duration_seconds", "cache" => name).record(start.elapsed());
            loaded
        };
        if self.0.ttl.is_zero() || key.len() > LONGEST_KEY {
            return load().await;
        }

        let owed = self.0.owed.contains(key);
        let kept = if owed { None } else { self.0.store.get::<T>(key).await };
        let value = kept.as_ref().and_then(form.read);
        let outcome = match (&kept, &value) {
            (_, Some(value)) if (form.is_absent)(value) => "absent",
            (_, Some(_)) => "hit",
            // It will be overwritten.
            (Some(_), None) => "garbage",
            (None, None) => "miss",
        };
        counter!("cache_reads_total", "cache" => name, "outcome" => outcome).increment(1);
        if let Some(value) = value {
            return Ok(value);
        }

        let mut has_waited = false;
        let flight = loop {
            let mut landing = match self.0.flights.board(key) {
                Seat::Lead(flight) => break flight,
                Seat::Follow(landing) => landing,
            };
            let is_late = matches!(*landing.borrow(), Landing::Storing);
            let landed = landing.wait_for(Landing::is_final).await;
            let shared = match landed.map(|landing| landing.clone()) {
                Ok(Landing::Loaded(entry)) if !is_late || has_waited => (form.read)(&entry).map(Ok),
                Ok(Landing::Overtaken(entry)) if has_waited => (form.read)(&entry).map(Ok),
                Ok(Landing::Failed(error)) => error.downcast_ref::<E>().cloned().map(Err),
                Ok(Landing::Unshared) => None,
                // The value may be older than a write that this read must see, or the loading task
                // was dropped. The next load begins after this read.
                Ok(_) | Err(_) => {
                    has_waited = true;
                    continue;
                }
            };
            return match shared {
                Some(outcome) => outcome,
                None => load().await,
            };
        };
        let claim = if owed { Claim::Load(None) } else { self.0.store.claim::<T>(key, kept).await };
        let lease = match claim {
            Claim::Load(lease) => lease,
            Claim::Loaded(entry) => {
                if let Some(value) = (form.read)(&entry) {
                    flight.land(Landing::Overtaken(entry));
                    return Ok(value);
                }
                None
            }
        };
        let value = match load().await {
            Ok(value) => value,
            Err(error) => {
                flight.land(Landing::Failed(Arc::new(error.clone())));
                return Err(error);
            }
        };
        let entry = match (form.write)(&value) {
            Ok(entry) => entry,
            Err(error) => {
                tracing::error!(cache = name, %error, "a loaded value cannot be cached");
                flight.land(Landing::Unshared);
                return Ok(value);
            }
        };
        let ttl = if (form.is_absent)(&value) { self.0.negative_ttl } else { self.0.ttl };
        let is_current = match lease {
            Some(lease) => {
                flight.is_storing();
                self.0.store.put(lease, entry.clone(), spread(ttl, dice())).await
            }
            None => false,
        };
        flight.land(if is_current { Landing::Loaded(entry) } else { Landing::Overtaken(entry) });
        Ok(value)
    }

    async fn forget(&self, keys: &[Key], effort: Effort) -> bool {
        self.0.flights.close(keys);
        self.0.store.invalidate(keys, effort).await
    }

    /// Makes the invalidations that are owed.
    async fn settle(&self, effort: Effort) {
        let start = Instant::now();
        for owed in self.0.owed.all().chunks(BATCH) {
            let keys: Vec<_> = owed.iter().map(|(key, _)| key.clone()).collect();
            if !self.forget(&keys, effort).await {
                return;
            }
            self.0.owed.settled(owed, start);
        }
    }

    /// Makes the invalidations that are owed for the last time: the process ends.
    pub async fn close(&self) {
        self.settle(Effort::Last).await;
    }
}

/// The invalidation after a write. A debt that is dropped is owed for [`Parts::longest_write`].
struct Debt<'a> {
    cache: &'a Cache,
    keys: Vec<Key>,
}

impl<'a> Debt<'a> {
    fn new(cache: &'a Cache, name: &'static str, ids: impl IntoIterator<Item: Display>) -> Self {
        let mut keys: Vec<_> = ids.into_iter().map(|id| Key::entity(name, id)).collect();
        keys.push(Key::lists(name));
        Self { cache, keys }
    }

    /// Invalidates after a write that has taken effect.
    async fn settle(mut self) {
        if !self.cache.forget(&self.keys, Effort::Usual).await {
            self.cache.0.owed.add(&self.keys, Instant::now());
        }
        self.keys.clear();
    }

    /// There is nothing to invalidate.
    fn cancel(mut self) {
        self.keys.clear();
    }
}

impl Drop for Debt<'_> {
    fn drop(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let (cache, keys) = (self.cache.clone(), std::mem::take(&mut self.keys));
        cache.0.owed.add(&keys, Instant::now() + cache.0.longest_write);
        let background = cache.0.background.clone();
        background.spawn(async move {
            cache.forget(&keys, Effort::Usual).await;
        });
    }
}

/// Checks the settings of this module.
pub fn check(config: &Config, env: &mut Env) {
    if config.cache_negative_ttl.is_zero() {
        env.fault("CACHE_NEGATIVE_TTL", "must be longer than zero");
    }
}

/// From `ttl` to a fifth more.
fn spread(ttl: Duration, dice: u32) -> Duration {
    ttl + (ttl / 5).mul_f64(f64::from(dice) / f64::from(u32::MAX))
}

fn dice() -> u32 {
    // The standard library has no other source of randomness.
    let [a, b, c, d, ..] = RandomState::new().hash_one(()).to_ne_bytes();
    u32::from_ne_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ttls_vary_by_up_to_a_fifth() {
        let ttl = Duration::from_mins(5);
        assert_eq!(spread(ttl, 0), ttl);
        assert_eq!(spread(ttl, u32::MAX), Duration::from_mins(6));
        let thrown: std::collections::HashSet<_> = (0..100).map(|_| spread(ttl, dice())).collect();
        assert!(thrown.len() > 90, "{} of 100", thrown.len());
        assert!(thrown.iter().all(|ttl| (300..=360).contains(&ttl.as_secs())));
    }
}
