//! ^C, SIGTERM and SIGHUP end a command between two writes, so that what was begun is cleaned up.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::fault::Stop;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Takes the signals from now on; to be called once, by `main`.
pub fn watch() {
    // Where another handler is installed already, that one decides.
    let _ = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed));
}

/// An error once a signal has come.
pub fn check() -> Result<(), Stop> {
    if INTERRUPTED.load(Ordering::Relaxed) { Err(Stop::Interrupted) } else { Ok(()) }
}
