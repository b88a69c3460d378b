//! A database of each test's own.

use sqlx::{Connection, SqliteConnection};
use uuid::Uuid;

/// Migrated and empty. Dropped with the test.
pub struct Database {
    folder: std::path::PathBuf,
    pub url: String,
}

impl Database {
    pub async fn create() -> Self {
        let folder = std::env::temp_dir().join(format!("test-{}", Uuid::now_v7()));
        std::fs::create_dir(&folder).unwrap();
        let url = format!("sqlite://{}/db.sqlite?mode=rwc", folder.display());
        let database = Self { folder, url };
        let mut connection = database.connect().await;
        sqlx::migrate!().run(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        database
    }

    /// A connection beside those of the service.
    pub async fn connect(&self) -> SqliteConnection {
        SqliteConnection::connect(&self.url).await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
