crate::auth::check,
