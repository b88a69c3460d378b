//! Single flight: one load of a key at a time in this process; other tasks wait for it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::watch;

use super::Key;

/// Loads in progress.
#[derive(Default)]
pub struct Flights(Mutex<HashMap<Key, watch::Receiver<Landing>>>);

/// Result of a load.
#[derive(Clone)]
pub enum Landing {
    /// In progress.
    Pending,
    /// The loaded value.
    Loaded(Bytes),
    /// An error, which the loading task returns.
    Failed,
}

/// The part of a task: to load, or to wait.
pub enum Seat<'a> {
    /// The task loads the value.
    Lead(Flight<'a>),
    /// Another task loads it.
    Follow(watch::Receiver<Landing>),
}

/// A load that other tasks may wait for. When it is dropped, they load by themselves.
pub struct Flight<'a> {
    flights: &'a Flights,
    key: Key,
    landing: watch::Sender<Landing>,
}

impl Flights {
    /// Joins the load of a key, or begins it.
    pub fn board(&self, key: &Key) -> Seat<'_> {
        let mut flights = self.lock();
        if let Some(landing) = flights.get(key) {
            return Seat::Follow(landing.clone());
        }
        let (sender, landing) = watch::channel(Landing::Pending);
        flights.insert(key.clone(), landing);
        Seat::Lead(Flight { flights: self, key: key.clone(), landing: sender })
    }

    /// Loads that match may have read old values: no task joins them any more.
    pub fn close(&self, matches: impl Fn(&Key) -> bool) {
        self.lock().retain(|key, _| !matches(key));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, watch::Receiver<Landing>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight<'_> {
    /// Hands the result to the waiting tasks. Returns whether no invalidation came in between.
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
