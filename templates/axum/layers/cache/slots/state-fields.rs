/// Values that were loaded before.
pub cache: crate::cache::Cache,
