//! The parts that are specific to PostgreSQL.

use std::{io, str::FromStr, time::Duration};

use chrono::{DateTime, Utc};
use futures_util::TryFutureExt;
use secrecy::ExposeSecret;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Postgres,
    postgres::PgConnectOptions, raw_sql,
};
use tokio::time::timeout;
use url::Url;

use super::{Pool, Transaction, doubt, error::Trouble, is_in_range, migrate};
use crate::config::{Config, Env};

/// sqlx's driver.
pub type Driver = Postgres;
/// A connection.
pub type Connection = PgConnection;
/// Options of a connection.
pub type ConnectOptions = PgConnectOptions;

/// Whether the table of migrations exists.
pub const HAS_HISTORY: &str = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";

/// Parameters of `DATABASE_URL`, beside `options[NAME]`. sqlx would ignore others, and log their values.
const PARAMETERS: [&str; 12] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "application_name",
    "options",
];
/// Other names of the same, and one that is better a part of the URL before the host.
const ALIASES: [&str; 6] =
    ["ssl-mode", "ssl-root-cert", "ssl-ca", "ssl-cert", "ssl-key", "password"];

/// `migrate`, in bytes: a number that no other advisory lock of the database has.
const LOCK_ID: i64 = 0x006d_6967_7261_7465;

/// Checks the settings of this module.
pub fn check(config: &Config, env: &mut Env) {
    let missing = config.database_url.expose_secret().is_empty();
    if let Some(reason) = options(config).err().filter(|_| !missing) {
        env.fault("DATABASE_URL", reason);
    }
    for name in unknown_parameters(config.database_url.expose_secret()) {
        let known = PARAMETERS.join(", ");
        env.fault("DATABASE_URL", format!("unknown parameter `{name}`; known ones are {known}"));
    }
    let (name, value) =
        ("DATABASE_IDLE_IN_TRANSACTION_TIMEOUT", config.database_idle_in_transaction_timeout);
    if value.is_zero() {
        env.fault(name, "must be longer than zero");
    }
    is_in_range(name, value, env);
}

/// By name alone: the values may be secrets.
fn unknown_parameters(url: &str) -> Vec<String> {
    let Ok(url) = Url::parse(url) else { return Vec::new() };
    let is_known = |name: &str| {
        PARAMETERS.contains(&name)
            || ALIASES.contains(&name)
            || name.starts_with("options[") && name.ends_with(']')
    };
    let names = url.query_pairs().map(|(name, _)| name.into_owned());
    names.filter(|name| !is_known(name)).collect()
}

/// An abandoned statement ends by its time limit. One that never reaches the server leaves its
/// transaction idle.
pub fn longest_write(config: &Config) -> Duration {
    config.database_statement_timeout + config.database_idle_in_transaction_timeout
}

/// Whether the server of this connection accepts writes. After a failover, the old primary may be a
/// replica that answers reads.
///
/// # Errors
/// The database does not answer.
pub async fn is_writable(connection: &mut Connection) -> sqlx::Result<bool> {
    let writable = "SELECT current_setting('transaction_read_only') = 'off'";
    sqlx::query_scalar(writable).fetch_one(connection).await
}

/// Begins a transaction, which is rolled back unless it is committed.
///
/// # Errors
/// The database does not answer.
pub async fn begin(pool: &Pool) -> sqlx::Result<Transaction> {
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

/// The time of the database, which all replicas share.
///
/// # Errors
/// The database does not answer.
pub async fn now(connection: &mut Connection) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar("SELECT now()").fetch_one(connection).await
}

pub fn options(config: &Config) -> Result<ConnectOptions, &'static str> {
    const NOT_A_URL: &str = "not a URL like postgres://user:password@host:5432/name";
    let url = config.database_url.expose_secret();
    // sqlx takes any scheme.
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(NOT_A_URL);
    }
    let options = PgConnectOptions::from_str(url).map_err(|_| NOT_A_URL)?;
    // PgBouncer refuses this start-up parameter; since PostgreSQL 12, it changes nothing.
    Ok(options.extra_float_digits(None).application_name(env!("CARGO_PKG_NAME")))
}

/// Limits of a new connection. They are no start-up options, which a connection pooler refuses.
#[derive(Clone, Copy)]
pub struct Limits {
    statement: Duration,
    idle_in_transaction: Duration,
    /// For the answer to a ping: a part of the time in which a request waits for a connection, so that
    /// a new one can be opened in the rest.
    answer: Duration,
}

impl Limits {
    /// The limits of the settings.
    pub fn new(config: &Config) -> Self {
        Self {
            statement: config.database_statement_timeout,
            idle_in_transaction: config.database_idle_in_transaction_timeout,
            answer: config.database_acquire_timeout / 3,
        }
    }

    /// Tests an idle connection. A server that has vanished without closing it does not answer.
    pub async fn test(self, connection: &mut Connection) -> sqlx::Result<()> {
        within(self.answer, connection.ping()).await
    }

    /// Waits for what the server has not answered yet, such as a statement whose caller has left. sqlx
    /// would wait for a server that has vanished until TCP gives up, after 15 minutes. If nothing is
    /// missing, nothing is sent.
    pub async fn settle(self, connection: &mut Connection) -> sqlx::Result<()> {
        within(self.statement + self.answer, connection.flush()).await
    }

    /// Ends a transaction that began after its caller had left: sqlx ends those whose start it has seen.
    pub async fn roll_back(self, connection: &mut Connection) -> sqlx::Result<()> {
        within(self.answer, raw_sql("ROLLBACK").execute(connection).map_ok(drop)).await
    }

    /// Sets the limits of the server, in one round trip.
    pub async fn set(self, connection: &mut Connection) -> sqlx::Result<()> {
        let Self { statement, idle_in_transaction, .. } = self;
        // By the server: it continues a statement after the client has disconnected. Notices are for
        // people at a terminal.
        let set = format!(
            "SET statement_timeout = {}; SET idle_in_transaction_session_timeout = {};
            SET client_min_messages = warning",
            statement.as_millis(),
            idle_in_transaction.as_millis(),
        );
        sqlx::raw_sql(AssertSqlSafe(set)).execute(connection).await.map(drop)
    }
}

/// Casts doubt on the other connections where there is no answer in time.
async fn within(
    limit: Duration,
    answer: impl Future<Output = sqlx::Result<()>>,
) -> sqlx::Result<()> {
    let answer = timeout(limit, answer).await;
    let answer = answer.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()));
    answer.inspect_err(doubt::after_test)
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
    // Migrations have no time limit. Without the second setting the server would finish the statement of
    // a process that is gone, under its locks. Not every platform and version has it.
    const SETTINGS: &str = "SET statement_timeout = 0;
        DO $$ BEGIN
            PERFORM set_config('client_connection_check_interval', '1s', false);
        EXCEPTION WHEN undefined_object OR invalid_parameter_value THEN NULL;
        END $$";
    let mut connection = options.connect().await?;
    raw_sql(SETTINGS).execute(&mut connection).await?;
    let mut wait = migrate::Wait::default();
    loop {
        let lock = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK_ID);
        if lock.fetch_one(&mut connection).await? {
            return Ok((connection, Lock));
        }
        wait.a_moment().await;
    }
}

/// Whether the error ends an open connection: it failed, or the server is stopping.
pub fn is_lost(code: &str) -> bool {
    match code {
        // Of a connection that is being opened; a violation of the protocol, which is PgBouncer's code
        // for its own errors; a server that is starting.
        "08001" | "08004" | "08P01" | "57P03" => false,
        _ => code.starts_with("08") || code.starts_with("57P"),
    }
}

/// Whether the server is read-only, as the old primary after a failover.
pub fn is_read_only(code: &str) -> bool {
    code == "25006"
}

/// By SQLSTATE (PostgreSQL manual, appendix A).
pub fn trouble(code: &str) -> Trouble {
    match code {
        "57014" => Trouble::TooLong,
        // Conflicting transactions; a read-only server, as after a failover; a database that does not
        // exist, which only a new connection meets; a transaction that was idle for too long.
        "40001" | "40P01" | "25006" | "3D000" | "25P03" => Trouble::Unavailable,
        // No connection, no login, no resources left, stopping or starting.
        _ if ["08", "28", "53", "57P"].iter().any(|class| code.starts_with(class)) => {
            Trouble::Unavailable
        }
        _ => Trouble::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lost_connection_casts_doubt_on_the_others() {
        for code in ["08006", "57P01", "57P02", "57P05"] {
            assert!(is_lost(code), "{code}");
        }
        // Serialisation failure, deadlock, out of memory, too many connections, cancelled.
        for code in ["40001", "40P01", "53200", "53300", "57014", "23505"] {
            assert!(!is_lost(code), "{code}");
        }
        for code in ["08001", "08004", "08P01", "57P03"] {
            assert!(!is_lost(code), "{code} is of a connection that cannot be opened");
        }
    }
}
