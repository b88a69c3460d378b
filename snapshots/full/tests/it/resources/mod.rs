//! Tests of each resource.

pub mod categories;
pub mod orders;
pub mod products;
