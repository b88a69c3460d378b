//! What each resource promises.

pub mod categories;
pub mod orders;
pub mod products;
