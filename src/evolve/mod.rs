//! From a tree to a working copy: plan, then write. The only module that writes.
//!
//! ```text
//! new:    tree ──────────────────────────────► Plan::create ─► create
//! others: tree, lock and base, working tree ─► Plan::revise ─► apply, through a journal
//! ```

pub mod create;
mod decide;
mod format;
pub mod interrupt;
pub mod merge;
pub mod plan;
pub mod record;
mod revise;
pub mod work;

pub use plan::{Action, Entry, Plan, Stages};
pub use record::Lock;
pub use revise::Revision;
pub use work::{Disk, Found, WorkTree};
