//! Detects connections that may be dead: connections older than the last failure of the database.
//!
//! When a server restarts, all connections of the pool are dead, and the pool does not know. The
//! first request that finds out casts doubt on the others, so that they are tested before use.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

static FAILED: Mutex<Option<Instant>> = Mutex::new(None);

/// The database does not answer, or a connection is lost.
pub fn cast() {
    *FAILED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
}

/// Whether a connection of this age is older than the last failure.
pub fn about(age: Duration) -> bool {
    let failed = *FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    failed.is_some_and(|failed| failed.elapsed() <= age)
}
