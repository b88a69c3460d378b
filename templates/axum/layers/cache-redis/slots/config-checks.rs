crate::redis::check,
