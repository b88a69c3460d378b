//! A database of each test's own, on the server of `DATABASE_URL`.

use std::env;

use sqlx::{Connection, Executor, PgConnection};
use tokio::{task::yield_now, time::timeout};
use url::Url;
use uuid::Uuid;

use super::PATIENCE;

/// Migrated and empty. Dropped with the test.
pub struct Database {
    name: String,
    pub url: String,
}

impl Database {
    pub async fn create() -> Self {
        let name = format!("test_{}", Uuid::now_v7().simple());
        on_server(format!("CREATE DATABASE {name}")).await;
        let mut url = server();
        url.set_path(&name);
        let database = Self { name, url: url.into() };
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        sqlx::migrate!().run(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        database
    }

    /// A connection beside those of the service.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    /// Waits until so many of the service's connections wait for a lock; returns their processes.
    pub async fn blocked(&self, count: usize) -> Vec<i32> {
        let blocked = "SELECT pid FROM pg_stat_activity
            WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0";
        // Not the one that holds: inside of a transaction the server shows what it has shown before.
        let mut db = self.connect().await;
        let wait = async {
            loop {
                let pids = sqlx::query_scalar(blocked).fetch_all(&mut db).await.unwrap();
                if pids.len() == count {
                    return pids;
                }
                yield_now().await;
            }
        };
        timeout(PATIENCE, wait).await.expect("they wait")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = on_server(format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        // The test's own runtime cannot wait here.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let dropped = std::thread::spawn(move || runtime.block_on(drop)).join();
        assert!(dropped.is_ok() || std::thread::panicking(), "the database goes");
    }
}

fn server() -> Url {
    let url = env::var("DATABASE_URL").expect("DATABASE_URL names a server to test on");
    url.parse().expect("DATABASE_URL is a URL")
}

async fn on_server(statement: String) {
    let mut connection = PgConnection::connect(server().as_str()).await.unwrap();
    connection.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
    connection.close().await.unwrap();
}
