//! The binary: an allocator, and the command line of `cli.rs`.

use std::process::ExitCode;

#[cfg(not(feature = "heap-profile"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Slower, with heap profiles.
#[cfg(feature = "heap-profile")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // The provider of every TLS client. Without a choice they panic as soon as two are linked.
    let _ = rustls::crypto::ring::default_provider().install_default();
    demo::cli::run()
}
