//! A database for one test, on the server at `DATABASE_URL`.

use std::env;

use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use url::Url;
use uuid::Uuid;

use super::service::db::migrate;

/// Gone when the test is over.
pub struct Database {
    name: String,
    url: Url,
}

impl Database {
    /// With the schema of this build.
    pub async fn new() -> Self {
        let database = Self::empty().await;
        let pool = PgPool::connect(database.url()).await.unwrap();
        migrate::up(&pool).await.unwrap();
        pool.close().await;
        database
    }

    /// With no schema.
    pub async fn empty() -> Self {
        let name = format!("test_{}", Uuid::now_v7().simple());
        execute(&format!("CREATE DATABASE {name}")).await;
        let mut url = server();
        url.set_path(&name);
        Self { name, url }
    }

    pub fn url(&self) -> &str {
        self.url.as_str()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        // The runtime of the test may be at its end, and cannot be waited for here.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(execute(&drop));
        });
        dropped.join().unwrap();
    }
}

async fn execute(statement: &str) {
    let mut connection = PgConnection::connect(server().as_str()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

fn server() -> Url {
    let url = env::var("DATABASE_URL").expect("DATABASE_URL names a PostgreSQL for the tests");
    url.parse().expect("DATABASE_URL is a URL")
}
