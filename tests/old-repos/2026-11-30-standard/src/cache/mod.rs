//! Cache-aside: what was loaded is kept for a while, and forgotten when it changes.
//!
//! That something is absent is kept too, so that made-up ids cost no query. One task loads a key,
//! and the others wait for it. Lifetimes differ a little, so that what was loaded together does not
//! expire together. No fault of the store is an error: what it cannot give is loaded.

mod flights;
mod key;
mod store;

use std::{
    fmt::Display,
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use bytes::Bytes;
use metrics::{counter, histogram};
use serde::{Serialize, de::DeserializeOwned};

use self::flights::{Flights, Landing, Seat};
pub use self::{key::Key, store::Store};
use crate::config::{Config, Env};

/// Longer keys are not kept: a client chooses what it searches for.
const LONGEST_KEY: usize = 500;

/// What was loaded before.
pub struct Cache {
    store: Store,
    flights: Flights,
    ttl: Duration,
    negative_ttl: Duration,
}

/// What the store says to one who is about to load.
enum Claim {
    /// Another has loaded it.
    Loaded(Bytes),
    /// Nobody has. With a lease the store will take it; without one it has no say for now.
    Load(Option<store::Lease>),
}

impl Cache {
    /// Nothing is loaded yet.
    pub fn new(store: Store, config: &Config) -> Self {
        let (ttl, negative_ttl) = (config.cache_ttl, config.cache_negative_ttl);
        Self { store, flights: Flights::default(), ttl, negative_ttl }
    }

    /// What is kept under `key`, or else what `load` finds. `None` is kept as well, but no error.
    ///
    /// # Errors
    /// Those of `load`.
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

    /// The same for a [`Key::list`], which may be empty but is never absent.
    ///
    /// # Errors
    /// Those of `load`.
    pub async fn list_or_load<T, E, F>(&self, key: &Key, load: impl FnOnce() -> F) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, E>>,
    {
        self.through(key, load, |_| false).await
    }

    /// Forgets these things, and every list of their kind. For after the commit: what is loaded
    /// before it is what stood there before.
    pub async fn invalidate<I: Display>(
        &self,
        name: &'static str,
        ids: impl IntoIterator<Item = I>,
    ) {
        let entities: Vec<_> = ids.into_iter().map(|id| Key::entity(name, id)).collect();
        self.flights.close(|key| key.name == name && (key.is_list() || entities.contains(key)));
        self.store.invalidate(name, entities).await;
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
        if self.ttl.is_zero() || key.to_string().len() > LONGEST_KEY {
            return load().await;
        }

        let kept = self.store.get(key).await;
        let value = kept.as_ref().and_then(decode);
        let outcome = match (&kept, &value) {
            (_, Some(value)) if is_absent(value) => "absent",
            (_, Some(_)) => "hit",
            // Of another version of the service, most likely. It will be written over.
            (Some(_), None) => "garbage",
            (None, None) => "miss",
        };
        counter!("cache_reads_total", "cache" => name, "outcome" => outcome).increment(1);
        if let Some(value) = value {
            return Ok(value);
        }

        let flight = loop {
            let mut landing = match self.flights.board(key) {
                Seat::Lead(flight) => break flight,
                Seat::Follow(landing) => landing,
            };
            let landing = landing.wait_for(|landing| !matches!(landing, Landing::Pending)).await;
            match landing.map(|landing| landing.clone()) {
                Ok(Landing::Loaded(json)) => match decode(&json) {
                    Some(value) => return Ok(value),
                    None => return load().await,
                },
                // Whoever waited tries at once: one after the other would take too long.
                Ok(_) => return load().await,
                // The one who loaded went away.
                Err(_) => {}
            }
        };
        let lease = match self.store.claim(key, kept).await {
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
                tracing::error!(cache = name, %error, "what was loaded cannot be kept");
                flight.land(Landing::Failed);
                return Ok(value);
            }
        };
        if let Some(lease) = lease {
            let ttl = if is_absent(&value) { self.negative_ttl } else { self.ttl };
            self.store.put(lease, json.clone(), spread(ttl, dice())).await;
        }
        // After `put`, so that a change since the load began is seen here, or else forgets what was
        // put. A list needs no such care: after a change none from before is found.
        if !flight.land(Landing::Loaded(json)) && !key.is_list() {
            self.store.remove(key).await;
        }
        Ok(value)
    }
}

/// Finds what is wrong with the settings of this module.
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
    fn lifetimes_are_spread_over_a_fifth() {
        let ttl = Duration::from_mins(5);
        assert_eq!(spread(ttl, 0), ttl);
        assert_eq!(spread(ttl, u32::MAX), Duration::from_mins(6));
        let thrown: std::collections::HashSet<_> = (0..100).map(|_| spread(ttl, dice())).collect();
        assert!(thrown.len() > 90, "{} of 100", thrown.len());
        assert!(thrown.iter().all(|ttl| (300..=360).contains(&ttl.as_secs())));
    }
}
