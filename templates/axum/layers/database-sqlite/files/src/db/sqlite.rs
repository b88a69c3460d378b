//! What is particular to SQLite.

use std::{
    fs::{File, TryLockError},
    io,
    str::FromStr,
};

use sqlx::{
    ConnectOptions as _, Sqlite, SqliteConnection, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{error::Trouble, migrate};
use crate::config::{Config, Env};

/// The database, to sqlx.
pub type Driver = Sqlite;
/// One connection to it.
pub type Connection = SqliteConnection;
/// How to make one.
pub type ConnectOptions = SqliteConnectOptions;

/// Finds out whether a migration has ever been applied.
pub const HAS_HISTORY: &str =
    "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations')";

/// Notes settings that no connection can be made from.
pub fn check(config: &Config, env: &mut Env) {
    if let Err(reason) = options(config) {
        env.fault("DATABASE_URL", reason);
    }
}

/// Begins a transaction, which is undone unless it is committed. It is the one writer from its
/// start: one that began as a reader could not become it while there is another.
///
/// # Errors
/// A database that does not answer, or another writer that does not end.
pub async fn begin(pool: &SqlitePool) -> sqlx::Result<Transaction<'static, Driver>> {
    pool.begin_with("BEGIN IMMEDIATE").await
}

pub fn options(config: &Config) -> Result<ConnectOptions, &'static str> {
    const NOT_A_FILE: &str = "not a file like sqlite:data/name.db";
    let url = &config.database_url;
    // In memory, each process would start with nothing.
    if !url.starts_with("sqlite:") || url.contains(":memory:") || url.contains("mode=memory") {
        return Err(NOT_A_FILE);
    }
    let options = SqliteConnectOptions::from_str(url).map_err(|_| NOT_A_FILE)?;
    Ok(options
        .create_if_missing(true)
        .foreign_keys(true)
        // Reads go on while one writes; a crash of the machine may cost the last writes, never the
        // file.
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(config.database_statement_timeout))
}

/// Makes the folder of the file.
pub fn prepare(options: &ConnectOptions) -> io::Result<()> {
    options.get_filename().parent().map_or(Ok(()), std::fs::create_dir_all)
}

/// A lock over the migrations of the database. The system gives it back with the file.
pub struct Lock(#[expect(dead_code, reason = "held open")] File);

/// The connection to migrate over, and the lock; waits for whoever has it.
///
/// The lock is a file of its own: one inside the database would be a transaction around all
/// migrations, and some have to run outside of any. It comes before the connection, because the
/// first one to a new file turns the write-ahead log on, for which SQLite lets nobody wait.
///
/// # Errors
/// The file cannot be opened or made.
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

/// By result code (<https://sqlite.org/rescode.html>).
pub fn trouble(code: &str) -> Trouble {
    // The lowest byte of an extended code is the code that it refines.
    match code.parse::<i32>().map(|code| code & 0xff) {
        // Busy and locked: the writes before did not end in time. Read-only, input and output,
        // full, cannot open: the disk, most likely.
        Ok(5 | 6 | 8 | 10 | 13 | 14) => Trouble::Unavailable,
        Ok(9) => Trouble::TooLong,
        _ => Trouble::Other,
    }
}
