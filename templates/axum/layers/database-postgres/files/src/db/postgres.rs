//! What is particular to PostgreSQL.

use std::{str::FromStr, time::Duration};

use secrecy::ExposeSecret;
use sqlx::{
    PgConnection, PgPool, Transaction,
    error::DatabaseError,
    pool::PoolConnection,
    postgres::{PgConnectOptions, Postgres},
};
use tokio::time::sleep;

use crate::config::Config;

/// The database, to sqlx.
pub type Driver = Postgres;

/// Connections to it.
pub type Pool = PgPool;

/// One of them.
pub type Connection = PgConnection;

/// Begins a transaction, which is undone unless it is committed.
///
/// # Errors
/// A database that does not answer.
pub async fn begin(pool: &Pool) -> sqlx::Result<Transaction<'static, Driver>> {
    pool.begin().await
}

/// A failure that is the database's and not the query's.
pub enum Failure {
    /// It cannot answer, now.
    Down,
    /// It took too long.
    Slow,
}

/// How to connect.
///
/// # Errors
/// An address that cannot be read.
pub fn options(config: &Config) -> sqlx::Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(config.database_url.expose_secret())?;
    let timeout = config.database_statement_timeout.as_millis().to_string();
    // Kept by the server, which goes on with a statement whose client has left.
    let options = options.application_name(env!("CARGO_PKG_NAME"));
    Ok(options.options([("statement_timeout", &*timeout), ("client_min_messages", "warning")]))
}

/// By SQLSTATE ("PostgreSQL Error Codes", appendix A).
pub fn failure(error: &dyn DatabaseError) -> Option<Failure> {
    let code = error.code()?;
    match &*code {
        // query_canceled: by statement_timeout.
        "57014" => Some(Failure::Slow),
        // Of transactions that were in each other's way, one may simply come again.
        "40001" | "40P01" => Some(Failure::Down),
        // Connection, resources, operator intervention.
        code if ["08", "53", "57"].iter().any(|class| code.starts_with(class)) => {
            Some(Failure::Down)
        }
        _ => None,
    }
}

/// Whether there is a table of that name.
///
/// # Errors
/// A database that does not answer.
pub async fn has_table(connection: &mut Connection, name: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(name).fetch_one(connection).await
}

/// Of the database, and of this service's migrations in it; any number that nobody else takes.
const MIGRATIONS: i64 = 0x006d_6967_7261_7465;

const POLL: Duration = Duration::from_millis(100);

/// The right to migrate, which one process has at a time.
pub struct Lock(PoolConnection<Postgres>);

impl Lock {
    /// Waits for the right. It asks again and again: a session that waits inside of a statement
    /// holds a snapshot, and `CREATE INDEX CONCURRENTLY` would wait for that session in turn.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn take(pool: &Pool) -> sqlx::Result<Self> {
        let mut connection = pool.acquire().await?;
        // A migration takes as long as it takes.
        sqlx::query("SET statement_timeout = 0").execute(&mut *connection).await?;
        while !Self::ask(&mut connection).await? {
            sleep(POLL).await;
        }
        Ok(Self(connection))
    }

    async fn ask(connection: &mut Connection) -> sqlx::Result<bool> {
        sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(MIGRATIONS)
            .fetch_one(connection)
            .await
    }

    /// The connection to migrate over.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.0
    }

    /// Gives the right back: the session ends, and everything that was set for it.
    pub async fn release(self) -> sqlx::Result<()> {
        self.0.close().await
    }
}
