//! Backups of the file: a copy with figures of its rows, their comparison, and its return into place.

#![expect(clippy::disallowed_methods, reason = "a command has no requests that it could stall")]

use std::{
    ffi::OsString,
    fmt::Write as _,
    fs::{self, TryLockError},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown},
    path::{Path, PathBuf},
    str::FromStr as _,
    time::Duration,
};

use chrono::Utc;
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::{ConnectOptions, Connection};
use crate::{config::Env, error::Cause};

/// The copy, in the folder of a backup.
const COPY: &str = "database.dump";
/// Its figures, a line each: newest migration, schema of each table, its rows and their checksum.
const FIGURES: &str = "figures";
/// When the copy was begun, in seconds since 1970.
const TAKEN: &str = "taken";
/// When its first migration was applied, which tells a database from another; empty without one.
const CREATED: &str = "created";

/// Files that SQLite keeps beside a database. A former one beside another database damages that.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Time for another process to release the database.
const PATIENCE: Duration = Duration::from_secs(5);

/// Action of `backup`, on the backup in a folder.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Action {
    /// Copy the database, with figures of its rows, while the service runs.
    Create {
        /// A folder without a backup.
        folder: PathBuf,
    },
    /// Compare a copy with its figures.
    Compare {
        /// The folder of the backup.
        folder: PathBuf,
    },
    /// Put a copy in the place of the database; the service must be stopped.
    Restore {
        /// The folder of the backup.
        folder: PathBuf,
    },
}

/// Runs an action; returns text to print.
///
/// # Errors
/// `DATABASE_URL` cannot be used, or [`create`], [`compare`] or [`restore`] fails.
pub fn run(action: &Action) -> Result<String, Cause> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match action {
            Action::Create { folder } => create(&database()?, folder).await,
            Action::Compare { folder } => compare(folder).await,
            Action::Restore { folder } => restore(&database()?, folder).await,
        }
    })
}

/// The file of `DATABASE_URL`. No other setting is read: the commands need no secrets.
fn database() -> Result<PathBuf, Cause> {
    let mut env = Env::from_process(Path::new("."));
    let url = env.string("DATABASE_URL", "sqlite://data/demo.db");
    env.finish()?;
    Ok(ConnectOptions::from_str(&url)?.get_filename().to_owned())
}

/// Copies a database into a folder, with figures, while others write. The copy is one moment; after an
/// error, there is none.
///
/// # Errors
/// There is no such database or folder, the folder has a backup, the copy is damaged, or the disk is
/// full.
pub async fn create(database: &Path, folder: &Path) -> Result<String, Cause> {
    let [copy, figures, taken, created] =
        [COPY, FIGURES, TAKEN, CREATED].map(|name| folder.join(name));
    if copy.try_exists()? {
        return Err(format!("{} exists already", copy.display()).into());
    }
    // The name says that it is complete.
    let partial = folder.join("database.new");
    // A killed process leaves a journal, and so does a rollback that fails on a full disk.
    let journals = COMPANIONS.map(|companion| beside(&partial, companion));
    let unfinished = || journals.iter().chain([&partial, &figures, &taken, &created]);
    let work = async {
        for file in unfinished() {
            remove(file)?;
        }
        fs::write(&taken, Utc::now().timestamp().to_string())?;
        private(&partial)?;
        let mut connection = options(database).connect().await?;
        let copied = copy_into(&mut connection, &partial).await;
        // SQLite's own files beside the copy are gone then, even after an error.
        connection.close().await?;
        copied?;
        fs::write(&figures, figures_of(&partial).await?)?;
        fs::write(&created, created_of(&partial).await?)?;
        // `VACUUM INTO` does not.
        fs::File::open(&partial)?.sync_all()?;
        fs::rename(&partial, &copy)?;
        Ok(format!("copied {} bytes\n", copy.metadata()?.len()))
    };
    let outcome: Result<_, Cause> = work.await;
    if outcome.is_err() {
        for file in unfinished() {
            let _ = remove(file);
        }
    }
    outcome
}

async fn copy_into(connection: &mut Connection, partial: &Path) -> Result<(), Cause> {
    // Of a database that cannot be read, `VACUUM INTO` says that its copy cannot be opened.
    sqlx::query("SELECT count(*) FROM sqlite_schema").execute(&mut *connection).await?;
    // SQLite writes into an empty file, and keeps its mode.
    sqlx::query("VACUUM INTO ?")
        .bind(partial.to_str().ok_or("the name of the folder is not UTF-8")?)
        .execute(connection)
        .await?;
    Ok(())
}

/// Compares the copy in a folder with its figures.
///
/// # Errors
/// There is no backup, the copy is damaged, or differs from the figures.
pub async fn compare(folder: &Path) -> Result<String, Cause> {
    equal(&folder.join(COPY), folder).await
}

/// Puts the copy in a folder in the place of a database, which the service must not have open. The former
/// database stays beside. After an error, the database is as before.
///
/// # Errors
/// [`compare`] fails, another process has the database open or restores it, or there is no room for
/// the copy.
pub async fn restore(database: &Path, folder: &Path) -> Result<String, Cause> {
    // On a new host or volume, there is none.
    let home =
        database.parent().filter(|home| !home.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(home)?;
    let home = fs::File::open(home)?;
    home.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => "another restoration runs".into(),
        TryLockError::Error(error) => Cause::from(error),
    })?;
    let restored = beside(database, ".restored");
    let work = async {
        remove(&restored)?;
        let mut file = private(&restored)?;
        let (own, its_folder) = (file.metadata()?, home.metadata()?);
        // Of root, the service could not open it.
        if own.uid() == 0 {
            fchown(&file, Some(its_folder.uid()), Some(its_folder.gid()))?;
        }
        io::copy(&mut fs::File::open(folder.join(COPY))?, &mut file)?;
        file.sync_all()?;
        let mut said = equal(&restored, folder).await?;
        let former = beside(database, &format!(".before-{}", Utc::now().format("%Y%m%dT%H%M%SZ")));
        if database.try_exists()? {
            release(database).await?;
            // The name of the database is never without a file: the service would create an empty one.
            fs::hard_link(database, &former)?;
            let _ = writeln!(said, "the data before: {}", former.display());
        }
        for companion in COMPANIONS {
            let file = beside(database, companion);
            if file.try_exists()? {
                fs::rename(file, beside(&former, companion))?;
            }
        }
        fs::rename(&restored, database)?;
        home.sync_all()?;
        Ok(said)
    };
    let outcome = work.await;
    let _ = remove(&restored);
    outcome
}

/// Folds the write-ahead log into a database that no other process has open, unless it is damaged.
async fn release(database: &Path) -> Result<(), Cause> {
    let folded = async {
        let mut connection = options(database).connect().await?;
        sqlx::query("PRAGMA journal_mode = DELETE").execute(&mut connection).await?;
        connection.close().await
    };
    match folded.await {
        Err(sqlx::Error::Database(error)) if is_busy(error.code().as_deref()) => {
            let name = database.display();
            Err(format!("{name} is open: stop the service first, and let a backup end").into())
        }
        _ => Ok(()),
    }
}

/// Whether the lowest byte of a result code says so (<https://sqlite.org/rescode.html>).
fn is_busy(code: Option<&str>) -> bool {
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

async fn equal(copy: &Path, folder: &Path) -> Result<String, Cause> {
    let recorded = fs::read_to_string(folder.join(FIGURES))
        .map_err(|error| format!("the backup has no figures: {error}"))?;
    let found = figures_of(copy).await?;
    let mut differences = String::new();
    for (sign, lines, others) in [('<', &recorded, &found), ('>', &found, &recorded)] {
        for line in lines.lines().filter(|line| !others.lines().any(|other| other == *line)) {
            let _ = write!(differences, "\n{sign} {line}");
        }
    }
    if !differences.is_empty() {
        let sides = "< of the backup, > of its copy";
        return Err(format!("the copy differs from the figures: {sides}{differences}").into());
    }
    let tables = found.lines().filter(|line| line.starts_with("rows of")).count();
    Ok(format!("{tables} tables equal the figures of the backup: rows, checksums, schema\n"))
}

/// Checks a file that no process writes, and returns its figures.
async fn figures_of(file: &Path) -> Result<String, Cause> {
    let options = options(file).read_only(true).immutable(true);
    let mut connection = options.connect().await?;
    let faults: Vec<String> =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut connection).await?;
    if faults != ["ok"] {
        return Err(format!("{} is damaged: {}", file.display(), faults.join("; ")).into());
    }
    let mut figures = String::new();
    if sqlx::query_scalar(super::sqlite::HAS_HISTORY).fetch_one(&mut connection).await? {
        let newest: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
            .fetch_one(&mut connection)
            .await?;
        let _ = writeln!(figures, "schema version|{}", newest.unwrap_or_default());
    }
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema
        WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY name",
    )
    .fetch_all(&mut connection)
    .await?;
    for table in tables {
        let objects: Vec<String> = sqlx::query_scalar(
            "SELECT type || name || coalesce(sql, '') FROM sqlite_schema
            WHERE tbl_name = ? ORDER BY 1",
        )
        .bind(&table)
        .fetch_all(&mut connection)
        .await?;
        let _ = writeln!(figures, "schema of|{table}|{:016x}", checksum(&objects.concat()));
        let (rows, sum) = rows_of(&mut connection, &table).await?;
        let _ = writeln!(figures, "rows of|{table}|{rows}|{sum:016x}");
    }
    connection.close().await?;
    Ok(figures)
}

/// When the first migration of a file was applied.
async fn created_of(file: &Path) -> sqlx::Result<String> {
    let mut connection = options(file).read_only(true).immutable(true).connect().await?;
    let mut created = None;
    if sqlx::query_scalar(super::sqlite::HAS_HISTORY).fetch_one(&mut connection).await? {
        created = sqlx::query_scalar("SELECT min(installed_on) FROM _sqlx_migrations")
            .fetch_one(&mut connection)
            .await?;
    }
    connection.close().await?;
    Ok(created.unwrap_or_default())
}

/// Number of a table's rows, and the sum of their checksums: their order does not count.
async fn rows_of(connection: &mut Connection, table: &str) -> sqlx::Result<(u64, u64)> {
    let columns: Vec<String> =
        sqlx::query_scalar("SELECT name FROM pragma_table_info(?) ORDER BY name")
            .bind(table)
            .fetch_all(&mut *connection)
            .await?;
    // A text in `quote` would end at a NUL.
    let values = columns.iter().map(|name| {
        let name = quoted(name);
        format!(
            "typeof({name}) || quote(iif(typeof({name}) = 'text', CAST({name} AS BLOB), {name}))"
        )
    });
    let statement =
        format!("SELECT {} FROM {}", values.collect::<Vec<_>>().join(" || ',' || "), quoted(table));
    let mut rows = sqlx::query_scalar::<_, String>(AssertSqlSafe(statement)).fetch(connection);
    let (mut count, mut sum) = (0, 0_u64);
    while let Some(row) = rows.try_next().await? {
        count += 1;
        sum = sum.wrapping_add(checksum(&row));
    }
    Ok((count, sum))
}

/// The first 64 bits of a SHA-256.
fn checksum(text: &str) -> u64 {
    let bytes = Sha256::digest(text);
    bytes.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A connection to a file that has to be there.
fn options(file: &Path) -> ConnectOptions {
    ConnectOptions::new().filename(file).busy_timeout(PATIENCE)
}

/// Creates a file that other users cannot read.
fn private(file: &Path) -> io::Result<fs::File> {
    fs::File::options().write(true).create_new(true).mode(0o600).open(file)
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A file in the same folder, whose name has something added.
fn beside(file: &Path, added: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(added);
    name.into()
}
