//! A database for one test, in its own folder.

use std::{env, fs, path::PathBuf};

use uuid::Uuid;

/// Lists the objects of a schema as text.
pub const SCHEMA: &str = "
    SELECT coalesce(sql, name) FROM sqlite_master
    WHERE tbl_name <> '_sqlx_migrations' ORDER BY 1";

/// A database. Dropping it deletes the folder.
pub struct Database {
    pub folder: PathBuf,
    url: String,
}

impl Database {
    /// Creates a database without a schema.
    #[expect(clippy::unused_async, reason = "async for PostgreSQL, which has the same interface")]
    pub async fn empty() -> Self {
        let folder = env::temp_dir().join(format!("test_{}", Uuid::now_v7().simple()));
        fs::create_dir(&folder).unwrap();
        let url = format!("sqlite://{}", folder.join("test.db").display());
        Self { folder, url }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
