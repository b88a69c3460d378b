//! The parts that are specific to PostgreSQL.

use std::{io, str::FromStr, time::Duration};

use secrecy::ExposeSecret;
use sqlx::{
    ConnectOptions as _, PgConnection, PgPool, Postgres, Transaction, postgres::PgConnectOptions,
};

use super::{error::Trouble, migrate};
use crate::config::{Config, Env};

/// sqlx's driver.
pub type Driver = Postgres;
/// A connection.
pub type Connection = PgConnection;
/// Options of a connection.
pub type ConnectOptions = PgConnectOptions;

/// Whether the table of migrations exists.
pub const HAS_HISTORY: &str = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";

/// `migrate`, in bytes: a number that no other advisory lock of the database has.
const LOCK_ID: i64 = 0x006d_6967_7261_7465;

/// Checks the settings of this module.
pub fn check(config: &Config, env: &mut Env) {
    let missing = config.database_url.expose_secret().is_empty();
    if let Some(reason) = options(config).err().filter(|_| !missing) {
        env.fault("DATABASE_URL", reason);
    }
}

/// Begins a transaction, which is rolled back unless it is committed.
///
/// # Errors
/// The database does not answer.
pub async fn begin(pool: &PgPool) -> sqlx::Result<Transaction<'static, Driver>> {
    pool.begin().await
}

/// Locks `key` until the transaction ends; `false` where another transaction has locked it.
///
/// # Errors
/// The database does not answer.
pub async fn try_lock_key(transaction: &mut Connection, key: &str) -> sqlx::Result<bool> {
    let held = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_xact_lock(hashtextextended($1::text, 0)) AS "held!""#,
        key,
    );
    held.fetch_one(transaction).await
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
        // By the server: it continues a statement after the client has disconnected.
        .options([("statement_timeout", milliseconds(limit))])
        // Notices are for people at a terminal.
        .options([("client_min_messages", "warning")]))
}

fn milliseconds(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

/// Nothing to prepare.
#[expect(clippy::unnecessary_wraps, reason = "other databases can fail here")]
pub fn prepare(_: &ConnectOptions) -> io::Result<()> {
    Ok(())
}

/// A lock of the migrations, which the connection holds until it closes.
pub struct Lock;

/// A connection and the lock of the migrations; waits for another process that has it.
///
/// It polls: a session that waits inside a statement holds a snapshot, for which
/// `CREATE INDEX CONCURRENTLY` in the session with the lock would wait in turn.
///
/// # Errors
/// The database does not answer.
pub async fn lock(options: &ConnectOptions) -> sqlx::Result<(Connection, Lock)> {
    // Migrations have no time limit.
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
        // Conflicting transactions; a read-only server, as after a failover; a database that does not
        // exist, which only a new connection meets.
        "40001" | "40P01" | "25006" | "3D000" => Trouble::Unavailable,
        // No connection, no login, no resources left, stopping or starting.
        _ if ["08", "28", "53", "57P"].iter().any(|class| code.starts_with(class)) => {
            Trouble::Unavailable
        }
        _ => Trouble::Other,
    }
}
