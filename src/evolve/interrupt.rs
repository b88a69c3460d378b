//! ^C, SIGTERM and SIGHUP end a command at once, or, while it writes, between two writes, so that
//! what was begun is cleaned up.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::fault::Stop;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static HELD: AtomicUsize = AtomicUsize::new(0);

/// Takes the signals from now on; to be called once, by `main`.
pub fn watch() {
    // Where another handler is installed already, that one decides.
    let _ = ctrlc::set_handler(|| {
        INTERRUPTED.store(true, Ordering::SeqCst);
        if HELD.load(Ordering::SeqCst) == 0 {
            // A prompt may be up. Its terminal may be gone, too: then there is nothing to put right.
            let _ = crossterm::terminal::disable_raw_mode();
            std::process::exit(Stop::INTERRUPTED_CODE);
        }
    });
}

/// While it lives, a signal waits for the next [`check`].
#[must_use]
pub struct Hold;

pub fn hold() -> Hold {
    HELD.fetch_add(1, Ordering::SeqCst);
    Hold
}

impl Drop for Hold {
    fn drop(&mut self) {
        HELD.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An error once a signal has come.
pub fn check() -> Result<(), Stop> {
    if INTERRUPTED.load(Ordering::SeqCst) { Err(Stop::Interrupted) } else { Ok(()) }
}
