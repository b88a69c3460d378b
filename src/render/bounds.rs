//! Bounds on rendering: a template from outside may loop for ever, or write without end.

use std::io::{self, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::fault::{Fault, Faults};
use crate::limits;

/// How often memory is looked at: it may grow by what is written in this time.
const LOOK: Duration = Duration::from_millis(10);

/// Collects what a template writes, and fails past the bound.
#[derive(Default)]
pub struct BoundedOutput {
    text: Vec<u8>,
    full: bool,
}

impl BoundedOutput {
    /// The text, or why there is none.
    pub fn into_text(self) -> Result<String, Fault> {
        if self.full {
            let most = limits::mib(limits::get().written);
            let fault = Fault::new(format!("it writes more than {most} MiB"));
            return Err(fault.help(limits::help("render-file-mib", most.saturating_mul(2))));
        }
        String::from_utf8(self.text).map_err(|error| Fault::new(error.to_string()))
    }

    pub fn is_full(&self) -> bool {
        self.full
    }
}

impl Write for BoundedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.text.len() + bytes.len()) as u64 > limits::get().written {
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

/// Does `work` beside this thread, and stops waiting for it when it takes too long, or too much memory. Work
/// that goes on after that ends with the process; it has threads of its own, and keeps nobody else's.
pub fn in_time<T: Send + 'static>(work: impl FnOnce() -> Result<T, Faults> + Send + 'static) -> Result<T, Faults> {
    let (limits, begun, before) = (limits::get(), Instant::now(), memory());
    let (done, result) = mpsc::channel();
    let worker = std::thread::spawn(move || {
        let threads = rayon::ThreadPoolBuilder::new().build();
        let threads = threads.map_err(|error| Fault::new(format!("no threads to render in: {error}")).into());
        drop(done.send(threads.and_then(|threads| threads.install(work))));
    });
    loop {
        let left = limits.time.saturating_sub(begun.elapsed());
        match result.recv_timeout(left.min(LOOK)) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                let seconds = limits.time.as_secs_f64();
                let fault = Fault::new(format!("rendering was given up after {seconds} seconds"));
                let more = limits::help("render-seconds", seconds * 2.0);
                return Err(fault.help(format!("a template of the pack loops for ever, or nearly so; {more}")).into());
            }
            Err(RecvTimeoutError::Timeout) => {
                if memory().saturating_sub(before) > limits.memory {
                    let most = limits::mib(limits.memory);
                    let fault = Fault::new(format!("rendering was given up: it takes more than {most} MiB of memory"));
                    return Err(fault.help(limits::help("render-memory-mib", most.saturating_mul(2))).into());
                }
            }
            Err(RecvTimeoutError::Disconnected) => match worker.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => unreachable!("it sends before it ends"),
            },
        }
    }
}

/// What this process has in memory; nothing where the system does not say.
fn memory() -> u64 {
    memory_stats::memory_stats().map_or(0, |stats| stats.physical_mem as u64)
}
