//! From a tree to a working copy: plan, then write. The only module that writes.

pub mod create;
mod format;
pub mod interrupt;
pub mod merge;
pub mod plan;
mod record;

pub use plan::{Action, Entry, Plan};
