crate::db::check,
