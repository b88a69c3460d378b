crate::cache::check,
