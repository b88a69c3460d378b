/// Connections to the database.
pub db: crate::db::Pool,
