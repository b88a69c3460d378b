//! Cache-aside: loaded values are kept for their TTL, and invalidated when they change.
//!
//! Absent values are kept, too, so that made-up IDs cost no query. One task loads a key, and the
//! others wait for it. TTLs vary, so that values that were loaded together do not expire together.
//! A fault of the store is not an error: the value is loaded.

mod flights;
mod key;
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

use self::flights::{Flights, Landing, Seat};
pub use self::{key::Key, store::Store};
use crate::config::{Config, Env};

/// Longer keys are not cached: clients choose the texts of searches.
const LONGEST_KEY: usize = 500;

/// Values that were loaded before. Clones share them.
#[derive(Clone)]
pub struct Cache(Arc<Parts>);

struct Parts {
    store: Store,
    flights: Flights,
    ttl: Duration,
    negative_ttl: Duration,
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
    pub fn new(store: Store, config: &Config) -> Self {
        let (ttl, negative_ttl) = (config.cache_ttl, config.cache_negative_ttl);
        Self(Arc::new(Parts { store, flights: Flights::default(), ttl, negative_ttl }))
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
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<Option<T>, E>>,
    {
        self.through(key, load, Option::is_none).await
    }

    /// The same for a [`Key::list`], which may be empty and is never absent.
    ///
    /// # Errors
    /// The errors of `load`.
    pub async fn list_or_load<T, E, F>(&self, key: &Key, load: impl FnOnce() -> F) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, E>>,
    {
        self.through(key, load, |_| false).await
    }

    /// Invalidates these entities, and every list of their kind. Call it after the commit: a load
    /// before it returns the old values.
    pub async fn invalidate<I: Display>(
        &self,
        name: &'static str,
        ids: impl IntoIterator<Item = I>,
    ) {
        let entities: Vec<_> = ids.into_iter().map(|id| Key::entity(name, id)).collect();
        self.0.flights.close(|key| key.name == name && (key.is_list() || entities.contains(key)));
        self.0.store.invalidate(name, entities).await;
    }

    async fn through<V, E, F>(
        &self,
        key: &Key,
        load: impl FnOnce() -> F,
        is_absent: impl Fn(&V) -> bool,
    ) -> Result<V, E>
    where
        V: Serialize + DeserializeOwned,
        F: Future<Output = Result<V, E>>,
    {
        let name = key.name;
        let load = async || {
            let start = Instant::now();
            let loaded = load().await;
            histogram!("cache_load_duration_seconds", "cache" => name).record(start.elapsed());
            loaded
        };
        if self.0.ttl.is_zero() || key.to_string().len() > LONGEST_KEY {
            return load().await;
        }

        let kept = self.0.store.get(key).await;
        let value = kept.as_ref().and_then(decode);
        let outcome = match (&kept, &value) {
            (_, Some(value)) if is_absent(value) => "absent",
            (_, Some(_)) => "hit",
            // Most likely of another version of the service. It will be overwritten.
            (Some(_), None) => "garbage",
            (None, None) => "miss",
        };
        counter!("cache_reads_total", "cache" => name, "outcome" => outcome).increment(1);
        if let Some(value) = value {
            return Ok(value);
        }

        let flight = loop {
            let mut landing = match self.0.flights.board(key) {
                Seat::Lead(flight) => break flight,
                Seat::Follow(landing) => landing,
            };
            let landing = landing.wait_for(|landing| !matches!(landing, Landing::Pending)).await;
            match landing.map(|landing| landing.clone()) {
                Ok(Landing::Loaded(json)) => match decode(&json) {
                    Some(value) => return Ok(value),
                    None => return load().await,
                },
                // All waiting tasks load at once: one after another would take too long.
                Ok(_) => return load().await,
                // The loading task was dropped.
                Err(_) => {}
            }
        };
        let lease = match self.0.store.claim(key, kept).await {
            Claim::Load(lease) => lease,
            Claim::Loaded(json) => {
                if let Some(value) = decode(&json) {
                    flight.land(Landing::Loaded(json));
                    return Ok(value);
                }
                None
            }
        };
        let value = match load().await {
            Ok(value) => value,
            Err(error) => {
                flight.land(Landing::Failed);
                return Err(error);
            }
        };
        let json = match serde_json::to_vec(&value) {
            Ok(json) => Bytes::from(json),
            Err(error) => {
                tracing::error!(cache = name, %error, "a loaded value cannot be cached");
                flight.land(Landing::Failed);
                return Ok(value);
            }
        };
        if let Some(lease) = lease {
            let ttl = if is_absent(&value) { self.0.negative_ttl } else { self.0.ttl };
            self.0.store.put(lease, json.clone(), spread(ttl, dice())).await;
        }
        // After `put`: an invalidation since the load began is seen here, and a later one removes the
        // entry. A list needs no such care: after an invalidation, no older list is found.
        if !flight.land(Landing::Loaded(json)) && !key.is_list() {
            self.0.store.remove(key).await;
        }
        Ok(value)
    }
}

/// Checks the settings of this module.
pub fn check(config: &Config, env: &mut Env) {
    if config.cache_negative_ttl.is_zero() {
        env.fault("CACHE_NEGATIVE_TTL", "must be longer than zero");
    }
}

fn decode<V: DeserializeOwned>(json: &Bytes) -> Option<V> {
    serde_json::from_slice(json).ok()
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
