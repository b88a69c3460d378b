//! From a tree to a working copy: plan, then write. The only module that writes.
//!
//! ```text
//! new:    tree ──────────────────────────────► Plan::create ─► create
//! others: tree, lock and base, working tree ─► Plan::revise ─► apply, through a journal
//! ```

mod action;
pub mod apply;
pub mod branches;
pub mod create;
mod decide;
mod env_file;
mod files;
mod format;
pub mod interrupt;
pub mod journal;
pub mod merge;
pub mod mirror;
mod paths;
pub mod plan;
pub mod record;
pub mod repo;
mod revise;
mod shadows;
mod steps;
mod unseen;
pub mod versions;
pub mod work;

pub use action::{Action, Stages};
pub use env_file::EnvFile;
pub use plan::{Entry, Mention, MissedChange, Plan};
pub use record::Lock;
pub use repo::{Checkout, Repo};
pub use revise::{Names, Revision};
pub use unseen::{Unseen, may_ignore};
pub use work::{Disk, Found, WorkTree};
