//! Which connections may be dead: those that are older than the last failure of the database.
//!
//! When a server starts again, all that the pool holds is dead, and nobody has told the pool. The
//! first request to find out casts doubt on the rest, so that they are tested and not tried out by
//! one request each.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

static FAILED: Mutex<Option<Instant>> = Mutex::new(None);

/// The database did not answer, or a connection to it was gone.
pub fn cast() {
    *FAILED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
}

/// Whether a connection of this age was there when that happened last.
pub fn about(age: Duration) -> bool {
    let failed = *FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    failed.is_some_and(|failed| failed.elapsed() <= age)
}
