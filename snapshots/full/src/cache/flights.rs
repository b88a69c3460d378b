//! Single flight: one load of a key at a time in this process; other tasks wait for it.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
    /// None yet.
    Loading,
    /// The store is asked whether the loaded value is current. A task that begins now may have to see
    /// a write that comes after the answer.
    Storing,
    /// A loaded value that was current.
    Loaded(Bytes),
    /// The error of the load, which all tasks return: a database that fails is not asked once more by
    /// each of them.
    Failed(Arc<dyn Any + Send + Sync>),
    /// A value that an invalidation may have overtaken: only for tasks that began before its load.
    Overtaken(Bytes),
    /// A value that cannot be shared. Each task loads it.
    Unshared,
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
        let (sender, landing) = watch::channel(Landing::Loading);
        flights.insert(key.clone(), landing);
        Seat::Lead(Flight { flights: self, key: key.clone(), landing: sender })
    }

    /// Loads of these keys may have read old values: later tasks do not join them.
    pub fn close(&self, invalidated: &[Key]) {
        self.lock().retain(|key, _| !invalidated.contains(&key.invalidated_by()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, watch::Receiver<Landing>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Landing {
    /// Whether the load has ended.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Loading | Self::Storing)
    }
}

impl Flight<'_> {
    /// The value is loaded, and the store is asked.
    pub fn is_storing(&self) {
        self.landing.send_replace(Landing::Storing);
    }

    /// Hands the result to the waiting tasks. Later tasks no longer join.
    pub fn land(self, landing: Landing) {
        self.leave();
        self.landing.send_replace(landing);
    }

    fn leave(&self) {
        let mut flights = self.flights.lock();
        let own = self.landing.subscribe();
        // After an invalidation, the key may have a later flight.
        if flights.get(&self.key).is_some_and(|landing| landing.same_channel(&own)) {
            flights.remove(&self.key);
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}
