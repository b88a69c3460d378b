//! A database for one test, in a folder of its own.

use std::{env, fs, path::PathBuf};

use uuid::Uuid;

/// What a database looks like, as text.
pub const SCHEMA: &str = "
    SELECT coalesce(sql, name) FROM sqlite_master
    WHERE tbl_name <> '_sqlx_migrations' ORDER BY 1";

/// Gone when the test is over.
pub struct Database {
    pub folder: PathBuf,
    url: String,
}

impl Database {
    /// With no schema.
    #[expect(clippy::unused_async, reason = "another database would be waited for")]
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
