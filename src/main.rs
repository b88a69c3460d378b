//! Parse, run, turn an error into words and an exit code; nothing else.

use std::ffi::OsString;
use std::process::ExitCode;

use new_service::commands::{self, End};
use new_service::fault::Stop;
use new_service::{evolve, report};

/// Rendering makes many short-lived strings on several threads: a quarter less time than with glibc's malloc.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    evolve::interrupt::watch();
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let ended = match commands::complete() {
        Ok(true) => Ok(End::Done),
        Ok(false) => commands::run(&arguments),
        Err(error) => Err(error),
    };
    let error = match ended {
        Ok(end) => return ExitCode::from(end.code()),
        Err(error) => error,
    };
    if let Some(usage) = error.downcast_ref::<clap::Error>() {
        report::usage(usage);
        return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2));
    }
    report::error(&error);
    match error.downcast_ref::<Stop>() {
        Some(Stop::Usage(_)) => ExitCode::from(2),
        Some(Stop::Interrupted) => std::process::exit(Stop::INTERRUPTED_CODE),
        None => ExitCode::FAILURE,
    }
}
