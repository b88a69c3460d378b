//! A database for one test, on the server at `DATABASE_URL`.

pub mod proxy;

use std::env;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;
use uuid::Uuid;

/// What a database looks like, as text.
pub const SCHEMA: &str = "
    SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default)
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'
    UNION ALL
    SELECT indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations'
    UNION ALL
    SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid <> to_regclass('_sqlx_migrations')
    ORDER BY 1";

/// Gone when the test is over.
pub struct Database {
    name: String,
    url: Url,
}

impl Database {
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
    let url = env::var("DATABASE_URL").expect(
        "DATABASE_URL must name a PostgreSQL server and a user who may create databases; \
         `just test` starts one",
    );
    url.parse().expect("DATABASE_URL is a URL")
}
