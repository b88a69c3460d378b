//! A database for one test, in a folder of its own.

use std::{env, fs, path::PathBuf};

use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use uuid::Uuid;

use super::service::db::migrate;

/// Gone when the test is over.
pub struct Database {
    folder: PathBuf,
    url: String,
}

impl Database {
    /// With the schema of this build.
    pub async fn new() -> Self {
        let database = Self::empty().await;
        let options = SqliteConnectOptions::new()
            .filename(database.folder.join("test.db"))
            .create_if_missing(true);
        let pool = SqlitePool::connect_with(options).await.unwrap();
        migrate::up(&pool).await.unwrap();
        pool.close().await;
        database
    }

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
