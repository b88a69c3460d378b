//! One load of a key at a time in this process; whoever wants the same meanwhile waits for it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::watch;

use super::Key;

/// Loads under way.
#[derive(Default)]
pub struct Flights(Mutex<HashMap<Key, watch::Receiver<Landing>>>);

/// How a load came out.
#[derive(Clone)]
pub enum Landing {
    /// It goes on.
    Pending,
    /// With this.
    Loaded(Bytes),
    /// With an error, which is for the one who loaded.
    Failed,
}

/// A seat: to load, or to wait for whoever does.
pub enum Seat<'a> {
    /// Nobody loads it yet.
    Lead(Flight<'a>),
    /// Somebody does.
    Follow(watch::Receiver<Landing>),
}

/// A load that others may be waiting for. One that is dropped leaves them to load anew.
pub struct Flight<'a> {
    flights: &'a Flights,
    key: Key,
    landing: watch::Sender<Landing>,
}

impl Flights {
    /// Takes a seat.
    pub fn board(&self, key: &Key) -> Seat<'_> {
        let mut flights = self.lock();
        if let Some(landing) = flights.get(key) {
            return Seat::Follow(landing.clone());
        }
        let (sender, landing) = watch::channel(Landing::Pending);
        flights.insert(key.clone(), landing);
        Seat::Lead(Flight { flights: self, key: key.clone(), landing: sender })
    }

    /// Loads that match may have read what has changed since: nobody joins them any more.
    pub fn close(&self, matches: impl Fn(&Key) -> bool) {
        self.lock().retain(|key, _| !matches(key));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, watch::Receiver<Landing>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight<'_> {
    /// Tells those who wait. Returns whether what was loaded still holds, for all that is known.
    pub fn land(self, landing: Landing) -> bool {
        self.landing.send_replace(landing);
        self.leave()
    }

    fn leave(&self) -> bool {
        let mut flights = self.flights.lock();
        let own = self.landing.subscribe();
        let open = flights.get(&self.key).is_some_and(|landing| landing.same_channel(&own));
        if open {
            flights.remove(&self.key);
        }
        open
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}
