//! Detects connections that are probably dead: those older than the last connection that was lost.
//!
//! When a server restarts, all connections of the pool are dead, and the pool does not know. The
//! first request that finds out casts doubt on the others, and each is replaced before its next use.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::sqlite::is_lost;

static LOST: Mutex<Option<Instant>> = Mutex::new(None);

/// Casts doubt on all connections, if the error means that one was lost. A statement that fails on a
/// connection that works casts none.
pub fn after(error: &sqlx::Error) {
    let lost = match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(cause) => cause.code().is_some_and(|code| is_lost(&code)),
        _ => false,
    };
    if lost {
        *LOST.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// Whether a connection of this age is older than the last loss.
pub fn about(age: Duration) -> bool {
    let lost = *LOST.lock().unwrap_or_else(PoisonError::into_inner);
    lost.is_some_and(|lost| lost.elapsed() <= age)
}
