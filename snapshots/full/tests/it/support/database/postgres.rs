//! A database for one test, on the server at `DATABASE_URL`.

pub mod proxy;
pub mod server;

use std::env;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;
use uuid::Uuid;

/// Lists the objects of a schema as text, like `pg_dump --schema-only` without the program.
pub const SCHEMA: &str = "
    WITH mine AS (
        SELECT oid, relname, relkind FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE '_sqlx_migrations%'
    )
    SELECT concat_ws(' ', relname, attname, format_type(atttypid, atttypmod), attnotnull,
        attidentity, pg_get_expr(adbin, adrelid))
    FROM pg_attribute JOIN mine ON mine.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped
    UNION ALL SELECT pg_get_indexdef(oid) FROM mine WHERE relkind IN ('i', 'I')
    UNION ALL SELECT concat_ws(' ', relname, pg_get_viewdef(oid)) FROM mine WHERE relkind IN ('v', 'm')
    UNION ALL SELECT concat_ws(' ', relname, conname, pg_get_constraintdef(pg_constraint.oid))
        FROM pg_constraint JOIN mine ON mine.oid = conrelid
    UNION ALL SELECT pg_get_triggerdef(pg_trigger.oid)
        FROM pg_trigger JOIN mine ON mine.oid = tgrelid WHERE NOT tgisinternal
    UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND prokind IN ('f', 'p')
    UNION ALL SELECT concat_ws(' ', typname, typtype, enumsortorder, enumlabel)
        FROM pg_type LEFT JOIN pg_enum ON enumtypid = pg_type.oid
        WHERE typnamespace = 'public'::regnamespace AND typtype IN ('d', 'e', 'r')
    ORDER BY 1";

/// A database. Dropping it deletes the database.
pub struct Database {
    name: String,
    url: Url,
}

impl Database {
    /// Creates a database without a schema.
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
        // `drop` cannot await, and the runtime of the test may be shutting down.
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
