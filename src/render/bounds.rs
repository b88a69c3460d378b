//! Bounds on rendering: a template from outside may loop for ever, or write without end.

use std::io::{self, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::fault::{Fault, Faults};

/// What one template may write, in bytes; the built-in pack's longest file has a hundredth of it.
const MAX_TEXT: usize = 16 << 20;

/// What a whole tree may hold, in bytes: as much as a pack.
pub const MAX_TREE: usize = 64 << 20;

/// What rendering may take; an honest pack takes milliseconds.
const MAX_TIME: Duration = Duration::from_secs(20);

/// Collects what a template writes, and fails past the bound.
#[derive(Default)]
pub struct Output {
    text: Vec<u8>,
    full: bool,
}

impl Output {
    /// The text, or why there is none.
    pub fn into_text(self) -> Result<String, String> {
        if self.full {
            return Err(format!("it writes more than {} MiB", MAX_TEXT >> 20));
        }
        String::from_utf8(self.text).map_err(|error| error.to_string())
    }

    pub fn is_full(&self) -> bool {
        self.full
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len() + bytes.len() > MAX_TEXT {
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Does `work` beside this thread, and stops waiting for it after [`MAX_TIME`]. Work that goes on after
/// that ends with the process.
pub fn in_time<T: Send + 'static>(work: impl FnOnce() -> Result<T, Faults> + Send + 'static) -> Result<T, Faults> {
    let (done, result) = mpsc::channel();
    let worker = std::thread::spawn(move || drop(done.send(work())));
    match result.recv_timeout(limit()) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => {
            let fault = Fault::new(format!("rendering was given up after {} seconds", MAX_TIME.as_secs()));
            Err(fault.help("a template of the pack loops for ever, or nearly so").into())
        }
        Err(RecvTimeoutError::Disconnected) => match worker.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => unreachable!("it sends before it ends"),
        },
    }
}

/// [`MAX_TIME`]. Tests of debug builds do not wait as long: `NEW_SERVICE_RENDER_MS=N`.
fn limit() -> Duration {
    #[cfg(debug_assertions)]
    if let Some(limit) = std::env::var("NEW_SERVICE_RENDER_MS").ok().and_then(|text| text.parse().ok()) {
        return Duration::from_millis(limit);
    }
    MAX_TIME
}
