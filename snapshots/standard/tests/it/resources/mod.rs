//! Tests of each resource.

pub mod orders;
