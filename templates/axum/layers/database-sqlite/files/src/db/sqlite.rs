//! What is particular to SQLite.

use std::{
    fs::{File, TryLockError},
    path::Path,
    str::FromStr,
    time::Duration,
};

use sqlx::{
    SqliteConnection, SqlitePool, Transaction,
    error::DatabaseError,
    pool::PoolConnection,
    sqlite::{Sqlite, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::time::sleep;

use crate::config::Config;

/// The database, to sqlx.
pub type Driver = Sqlite;

/// Connections to it.
pub type Pool = SqlitePool;

/// One of them.
pub type Connection = SqliteConnection;

/// Begins a transaction, which is undone unless it is committed. It is the one writer from its start:
/// one that began as a reader could not become it while there is another.
///
/// # Errors
/// A database that does not answer.
pub async fn begin(pool: &Pool) -> sqlx::Result<Transaction<'static, Driver>> {
    pool.begin_with("BEGIN IMMEDIATE").await
}

/// A failure that is the database's and not the query's.
pub enum Failure {
    /// It cannot answer, now.
    Down,
    /// It took too long.
    Slow,
}

/// How to connect. The folder of the file is made where it is missing.
///
/// # Errors
/// An address that cannot be read, or a folder that cannot be made.
pub fn options(config: &Config) -> sqlx::Result<SqliteConnectOptions> {
    let options = SqliteConnectOptions::from_str(&config.database_url)?
        .create_if_missing(true)
        .foreign_keys(true)
        // Readers and the one writer do not wait for each other.
        .journal_mode(SqliteJournalMode::Wal)
        // With the above, a crash of the machine loses the last moments and corrupts nothing.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(config.database_statement_timeout);
    if let Some(folder) = options.get_filename().parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(options)
}

/// By primary result code (sqlite.org, "Result and Error Codes").
pub fn failure(error: &dyn DatabaseError) -> Option<Failure> {
    let code: u32 = error.code()?.parse().ok()?;
    match code & 0xff {
        // BUSY, LOCKED: the writer before took longer than the timeout.
        5 | 6 => Some(Failure::Slow),
        // IOERR, FULL, CANTOPEN
        10 | 13 | 14 => Some(Failure::Down),
        _ => None,
    }
}

/// Whether there is a table of that name.
///
/// # Errors
/// A database that does not answer.
pub async fn has_table(connection: &mut Connection, name: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = $1)")
        .bind(name)
        .fetch_one(connection)
        .await
}

const POLL: Duration = Duration::from_millis(100);

/// The right to migrate, which one process has at a time.
pub struct Lock {
    connection: PoolConnection<Sqlite>,
    /// Beside the database; the system frees it when the process ends, however that is.
    _file: Option<File>,
}

impl Lock {
    /// Waits for the right.
    ///
    /// # Errors
    /// A file that cannot be opened.
    pub async fn take(pool: &Pool) -> sqlx::Result<Self> {
        let file = match pool.connect_options().get_filename() {
            memory if memory == Path::new(":memory:") || memory.as_os_str().is_empty() => None,
            database => {
                let mut name = database.as_os_str().to_owned();
                name.push(".migrating");
                let file = File::options().create(true).append(true).open(name)?;
                while let Err(TryLockError::WouldBlock) = file.try_lock() {
                    sleep(POLL).await;
                }
                Some(file)
            }
        };
        Ok(Self { connection: pool.acquire().await?, _file: file })
    }

    /// The connection to migrate over.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Gives the right back.
    pub async fn release(self) -> sqlx::Result<()> {
        self.connection.close().await
    }
}
