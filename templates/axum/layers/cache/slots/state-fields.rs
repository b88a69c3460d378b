/// What was loaded before.
pub cache: crate::cache::Cache,
