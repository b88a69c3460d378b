//! What each resource promises.

pub mod orders;
