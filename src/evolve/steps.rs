//! The places between two writes, where tests let a command die.

/// One step of the writing. Tests of debug builds die at the N-th: `NEW_SERVICE_DIE_AT=N`.
pub fn step() {
    #[cfg(debug_assertions)]
    {
        use std::sync::atomic::{AtomicU64, Ordering};
        static STEPS: AtomicU64 = AtomicU64::new(1);
        let at = std::env::var("NEW_SERVICE_DIE_AT").ok().and_then(|n| n.parse().ok());
        if at == Some(STEPS.fetch_add(1, Ordering::Relaxed)) {
            std::process::abort();
        }
    }
}
