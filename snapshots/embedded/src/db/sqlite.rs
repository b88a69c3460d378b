//! The parts that are specific to SQLite.

use std::{
    fs::{File, TryLockError},
    io,
    str::FromStr,
    time::{Duration, Instant},
};

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::{
    ConnectOptions as _, Connection as _, Sqlite, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{Pool, Transaction, doubt, error::Trouble, migrate};
use crate::config::{Config, Env};

/// sqlx's driver.
pub type Driver = Sqlite;
/// A connection.
pub type Connection = SqliteConnection;
/// Options of a connection.
pub type ConnectOptions = SqliteConnectOptions;

/// Whether the table of migrations exists.
pub const HAS_HISTORY: &str =
    "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations')";

/// Parameters of `DATABASE_URL`.
const PARAMETERS: [&str; 4] = ["mode", "cache", "immutable", "vfs"];

/// Operations of SQLite's virtual machine between two looks at the clock: less than a millisecond.
const LOOK_AT_CLOCK: i32 = 10_000;

/// Checks the settings of this module.
pub fn check(config: &Config, env: &mut Env) {
    let query = config.database_url.split_once('?').map_or("", |(_, query)| query);
    let mut unknown = form_urlencoded::parse(query.as_bytes())
        .map(|(name, _)| name.into_owned())
        .filter(|name| !PARAMETERS.contains(&name.as_str()))
        .peekable();
    if unknown.peek().is_none()
        && let Err(reason) = options(config)
    {
        env.fault("DATABASE_URL", reason);
    }
    for name in unknown {
        let known = PARAMETERS.join(", ");
        env.fault("DATABASE_URL", format!("unknown parameter `{name}`; known ones are {known}"));
    }
}

/// The limit of statements.
#[derive(Clone, Copy)]
pub struct Limits {
    statement: Duration,
}

impl Limits {
    /// The limit of the settings.
    pub fn new(config: &Config) -> Self {
        Self { statement: config.database_statement_timeout }
    }

    /// Lets statements on this connection run for this time from now. SQLite interrupts later ones.
    pub async fn set(self, connection: &mut Connection) -> sqlx::Result<()> {
        let deadline = Instant::now() + self.statement;
        let mut handle = connection.lock_handle().await?;
        handle.set_progress_handler(LOOK_AT_CLOCK, move || Instant::now() < deadline);
        Ok(())
    }

    /// Tests an idle connection.
    pub async fn test(self, connection: &mut Connection) -> sqlx::Result<()> {
        connection.ping().await.inspect_err(doubt::after_test)
    }

    /// Waits for the end of a statement whose caller has left: the thread of the connection answers a
    /// ping after it.
    pub async fn settle(self, connection: &mut Connection) -> sqlx::Result<()> {
        self.test(connection).await
    }

    /// Nothing to do: the thread ends a transaction whose caller left.
    #[expect(clippy::unused_async, reason = "other databases have to be asked")]
    pub async fn roll_back(self, _: &mut Connection) -> sqlx::Result<()> {
        Ok(())
    }
}

/// An abandoned statement may wait for another writer, and then run, each for the time limit.
pub fn longest_write(config: &Config) -> Duration {
    config.database_statement_timeout * 2
}

/// Whether the database answers. It has one file, and no other connection would find another.
///
/// # Errors
/// The database does not answer.
pub async fn is_writable(connection: &mut Connection) -> sqlx::Result<bool> {
    sqlx::query("SELECT 1").execute(connection).await.map(|_| true)
}

/// Begins a transaction, which is rolled back unless it is committed. It is the only writer from its
/// start: a transaction that began as a reader cannot write while another one does.
///
/// # Errors
/// The database does not answer, or another writer does not end in time.
pub async fn begin(pool: &Pool) -> sqlx::Result<Transaction> {
    pool.begin_with("BEGIN IMMEDIATE").await
}

/// Nothing to lock: the transaction is the only writer from its start.
///
/// # Errors
/// None; other databases can fail here.
pub async fn try_lock_key(_: &mut Connection, _: &str) -> sqlx::Result<bool> {
    Ok(true)
}

/// The time of the process: the database has no other.
///
/// # Errors
/// None; other databases can fail here.
pub async fn now(_: &mut Connection) -> sqlx::Result<DateTime<Utc>> {
    Ok(Utc::now().trunc_subsecs(6))
}

pub fn options(config: &Config) -> Result<ConnectOptions, &'static str> {
    const NOT_A_FILE: &str = "not a file like sqlite:data/name.db";
    let url = &config.database_url;
    // In memory, each process would start empty.
    if !url.starts_with("sqlite:") || url.contains(":memory:") || url.contains("mode=memory") {
        return Err(NOT_A_FILE);
    }
    let options = SqliteConnectOptions::from_str(url).map_err(|_| NOT_A_FILE)?;
    Ok(options
        .create_if_missing(true)
        .foreign_keys(true)
        // Reads continue during a write; a crash of the machine may lose the last writes, never the
        // file.
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(config.database_statement_timeout))
}

/// Creates the folder of the file.
pub fn prepare(options: &ConnectOptions) -> io::Result<()> {
    options.get_filename().parent().map_or(Ok(()), std::fs::create_dir_all)
}

/// A lock of the migrations. The system releases it with the file.
pub struct Lock(#[expect(dead_code, reason = "held open")] File);

/// A connection and the lock of the migrations; waits for another process that has it.
///
/// The lock is a separate file: a lock inside the database would be a transaction around all
/// migrations, and some must run outside of any. It comes before the connection, because the first
/// connection to a new file enables the write-ahead log, for which SQLite has no busy timeout.
///
/// # Errors
/// The file cannot be opened or created.
pub async fn lock(options: &ConnectOptions) -> sqlx::Result<(Connection, Lock)> {
    let mut path = options.get_filename().as_os_str().to_owned();
    path.push("-migrate");
    let file = File::options().create(true).append(true).open(path)?;
    let mut wait = migrate::Wait::default();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok((options.connect().await?, Lock(file))),
            Err(TryLockError::WouldBlock) => wait.a_moment().await,
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

/// Whether the connection is lost: never, as SQLite has no server.
pub fn is_lost(_: &str) -> bool {
    false
}

/// Whether the database refuses writes to this connection alone: never.
pub fn is_read_only(_: &str) -> bool {
    false
}

/// By result code (<https://sqlite.org/rescode.html>).
pub fn trouble(code: &str) -> Trouble {
    // The lowest byte of an extended code is its primary code.
    match code.parse::<i32>().map(|code| code & 0xff) {
        // Busy and locked: earlier writes did not end in time. Read-only, I/O error, full, cannot
        // open: most likely the disk.
        Ok(5 | 6 | 8 | 10 | 13 | 14) => Trouble::Unavailable,
        Ok(9) => Trouble::TooLong,
        _ => Trouble::Other,
    }
}
