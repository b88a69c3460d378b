//! What is particular to PostgreSQL.

use std::{io, str::FromStr, time::Duration};

use secrecy::ExposeSecret;
use sqlx::{
    ConnectOptions as _, PgConnection, PgPool, Postgres, Transaction, postgres::PgConnectOptions,
};

use super::{error::Trouble, migrate};
use crate::config::{Config, Env};

/// The database, to sqlx.
pub type Driver = Postgres;
/// One connection to it.
pub type Connection = PgConnection;
/// How to make one.
pub type ConnectOptions = PgConnectOptions;

/// Finds out whether a migration has ever been applied.
pub const HAS_HISTORY: &str = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";

/// `migrate`, in bytes: any number that no other advisory lock of the database has.
const LOCK_ID: i64 = 0x006d_6967_7261_7465;

/// Notes settings that no connection can be made from.
pub fn check(config: &Config, env: &mut Env) {
    let missing = config.database_url.expose_secret().is_empty();
    if let Some(reason) = options(config).err().filter(|_| !missing) {
        env.fault("DATABASE_URL", reason);
    }
}

/// Begins a transaction, which is undone unless it is committed.
///
/// # Errors
/// A database that does not answer.
pub async fn begin(pool: &PgPool) -> sqlx::Result<Transaction<'static, Driver>> {
    pool.begin().await
}

pub fn options(config: &Config) -> Result<ConnectOptions, &'static str> {
    const NOT_A_URL: &str = "not a URL like postgres://user:password@host:5432/name";
    let url = config.database_url.expose_secret();
    // sqlx takes any scheme.
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(NOT_A_URL);
    }
    let options = PgConnectOptions::from_str(url).map_err(|_| NOT_A_URL)?;
    let limit = config.database_statement_timeout;
    Ok(options
        .application_name(env!("CARGO_PKG_NAME"))
        // By the server: it goes on with a statement that nobody waits for any more.
        .options([("statement_timeout", milliseconds(limit))])
        // Notices are for people at a terminal.
        .options([("client_min_messages", "warning")]))
}

fn milliseconds(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

/// Nothing to make ready: the server is there, or it is not.
#[expect(clippy::unnecessary_wraps, reason = "other databases have something to make ready")]
pub fn prepare(_: &ConnectOptions) -> io::Result<()> {
    Ok(())
}

/// A lock over the migrations of the database. The connection holds it, as long as it lives.
pub struct Lock;

/// The connection to migrate over, and the lock; waits for whoever has it.
///
/// It asks again and again: a session that waits inside a statement holds a snapshot, which
/// `CREATE INDEX CONCURRENTLY` in the session with the lock would wait for in turn.
///
/// # Errors
/// The database does not answer.
pub async fn lock(options: &ConnectOptions) -> sqlx::Result<(Connection, Lock)> {
    // Migrations take the time that they take.
    let unlimited = options.clone().options([("statement_timeout", milliseconds(Duration::ZERO))]);
    let mut connection = unlimited.connect().await?;
    let mut wait = migrate::Wait::default();
    loop {
        let lock = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK_ID);
        if lock.fetch_one(&mut connection).await? {
            return Ok((connection, Lock));
        }
        wait.a_moment().await;
    }
}

/// By SQLSTATE (PostgreSQL manual, appendix A).
pub fn trouble(code: &str) -> Trouble {
    match code {
        "57014" => Trouble::TooLong,
        // Two transactions in each other's way; a server that only reads, as after a failover; a
        // database that is not there, which only a new connection can meet.
        "40001" | "40P01" | "25006" | "3D000" => Trouble::Unavailable,
        // No connection, no log-in, no resources left, stopping or starting.
        _ if ["08", "28", "53", "57P"].iter().any(|class| code.starts_with(class)) => {
            Trouble::Unavailable
        }
        _ => Trouble::Other,
    }
}
