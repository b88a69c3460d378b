//! Migrations of the schema, in `migrations/`, and the command that applies them.

use std::{fmt::Write as _, time::Duration};

use sqlx::{
    ConnectOptions as _, Connection as _,
    migrate::{AppliedMigration, Migrate as _, MigrateError, Migration, Migrator},
};
use tokio::time::sleep;

use super::{ConnectOptions, Connection, sqlite as dialect, step};
use crate::{config::Config, error::Cause, telemetry};

/// The migrations of this build.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// The table of applied migrations; sqlx's own tools use it, too.
const HISTORY: &str = "_sqlx_migrations";

/// Interval of attempts to lock the migrations.
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// Action of `migrate`.
#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub enum Action {
    /// Apply missing migrations (the default).
    Up,
    /// Revert the latest migrations.
    Down {
        /// Number of migrations. Defaults to 1.
        #[arg(long, value_name = "N", conflicts_with = "to")]
        steps: Option<usize>,
        /// Revert all migrations newer than this version.
        #[arg(long, value_name = "VERSION")]
        to: Option<i64>,
    },
    /// List the migrations with their states.
    Status,
}

/// Range of migrations to revert.
#[derive(Clone, Copy, Debug)]
pub enum Back {
    /// A number of migrations.
    Steps(usize),
    /// All migrations newer than this version.
    To(i64),
}

/// Runs an action; returns text to print. `interrupted` drops the connection, which rolls the current
/// migration back.
///
/// # Errors
/// The database does not answer, a migration fails, or the cause that `interrupted` ends with.
pub fn run(
    config: &Config,
    action: Option<Action>,
    interrupted: impl Future<Output = Cause>,
) -> Result<Option<String>, Cause> {
    let _telemetry = telemetry::init(config)?;
    let options = dialect::options(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let work = async {
        dialect::prepare(&options)?;
        match action.unwrap_or(Action::Up) {
            Action::Up => drop(up(&MIGRATIONS, &options).await?),
            Action::Down { steps, to } => {
                let back = to.map_or(Back::Steps(steps.unwrap_or(1)), Back::To);
                down(&MIGRATIONS, &options, back).await?;
            }
            Action::Status => {
                let lines = status(&MIGRATIONS, &options).await?;
                return Ok((!lines.is_empty()).then_some(lines));
            }
        }
        Ok(None)
    };
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = work => outcome,
            cause = interrupted => Err(cause),
        }
    });
    // Dropping the runtime would wait for blocking work, such as a lookup of the host.
    runtime.shutdown_background();
    outcome
}

/// Applies missing migrations and returns their number. Of several processes, one migrates and the
/// others wait.
///
/// # Errors
/// The database does not answer, or a migration fails; the migrations before it stay applied.
pub async fn up(migrations: &Migrator, options: &ConnectOptions) -> Result<usize, MigrateError> {
    let (mut connection, _lock) = dialect::lock(options).await?;
    let pending = pending(migrations, &mut connection).await?;
    if !pending.is_empty() {
        connection.ensure_migrations_table(HISTORY).await?;
    }
    for migration in &pending {
        tracing::info!(migration = name(migration), "applying");
        step::run(&mut connection, options, migration).await?;
    }
    tracing::info!(applied = pending.len(), "the schema is current");
    connection.close().await?;
    Ok(pending.len())
}

/// Reverts migrations, the newest first, and returns their number.
///
/// # Errors
/// The database does not answer, or a migration cannot be reverted.
pub async fn down(
    migrations: &Migrator,
    options: &ConnectOptions,
    back: Back,
) -> Result<usize, MigrateError> {
    let (mut connection, _lock) = dialect::lock(options).await?;
    let applied = applied(&mut connection).await?;
    let undone = applied.iter().rev().enumerate().take_while(|(step, applied)| match back {
        Back::Steps(steps) => *step < steps,
        Back::To(version) => applied.version > version,
    });
    // All are found before the first is reverted.
    let steps = undone.map(|(_, applied)| {
        let mut known = migrations.iter().filter(|known| known.version == applied.version);
        let down = known.find(|known| known.migration_type.is_down_migration());
        down.ok_or(MigrateError::VersionNotPresent(applied.version))
    });
    let steps = steps.collect::<Result<Vec<_>, _>>()?;
    for migration in &steps {
        tracing::info!(migration = name(migration), "reverting");
        step::run(&mut connection, options, migration).await?;
    }
    connection.close().await?;
    Ok(steps.len())
}

/// Applies a migration, or reverts it if it is a `down` file, and records that.
///
/// # Errors
/// The migration fails, or cannot be recorded.
pub async fn execute(
    connection: &mut Connection,
    migration: &Migration,
) -> Result<(), MigrateError> {
    if migration.migration_type.is_down_migration() {
        connection.revert(HISTORY, migration).await.map(drop)
    } else {
        connection.apply(HISTORY, migration).await.map(drop)
    }
}

/// The error of a migration that stops, with the reason.
pub fn stopped(migration: &Migration, why: impl Into<String>) -> MigrateError {
    MigrateError::ExecuteMigration(sqlx::Error::InvalidArgument(why.into()), migration.version)
}

/// One line for each migration.
async fn status(migrations: &Migrator, options: &ConnectOptions) -> Result<String, MigrateError> {
    let mut connection = options.connect().await?;
    let pending: Vec<_> = pending(migrations, &mut connection).await?;
    let mut lines = String::new();
    for migration in migrations.iter().filter(|known| !known.migration_type.is_down_migration()) {
        let state = if pending.contains(&migration) { "pending" } else { "applied" };
        let _ = writeln!(lines, "{state}  {}", name(migration));
    }
    for applied in applied(&mut connection).await? {
        if !migrations.version_exists(applied.version) {
            let _ = writeln!(lines, "unknown  {}, of a newer build", applied.version);
        }
    }
    connection.close().await?;
    Ok(lines)
}

/// Migrations that are not applied, oldest first. Further applied ones are no error: a build works on
/// the schema of the next one.
///
/// # Errors
/// The database does not answer, or an applied migration differs from the one of this build.
pub async fn pending<'a>(
    migrations: &'a Migrator,
    connection: &mut Connection,
) -> Result<Vec<&'a Migration>, MigrateError> {
    let applied = applied(connection).await?;
    let mut pending = Vec::new();
    for migration in migrations.iter().filter(|known| !known.migration_type.is_down_migration()) {
        match applied.iter().find(|applied| applied.version == migration.version) {
            None => pending.push(migration),
            Some(applied) if applied.checksum == migration.checksum => {}
            Some(_) => return Err(MigrateError::VersionMismatch(migration.version)),
        }
    }
    Ok(pending)
}

/// The file name of a migration.
pub fn name(migration: &Migration) -> String {
    format!("{}_{}", migration.version, migration.description.replace(' ', "_"))
}

/// Oldest first.
async fn applied(connection: &mut Connection) -> Result<Vec<AppliedMigration>, MigrateError> {
    // sqlx would create the table.
    if sqlx::query_scalar(dialect::HAS_HISTORY).fetch_one(&mut *connection).await? {
        connection.list_applied_migrations(HISTORY).await
    } else {
        Ok(Vec::new())
    }
}

/// A wait for another process that migrates.
#[derive(Default)]
pub struct Wait {
    logged: bool,
}

impl Wait {
    /// Waits before another attempt. The first wait is logged.
    pub async fn a_moment(&mut self) {
        if !self.logged {
            tracing::info!("another process migrates this database; waiting");
            self.logged = true;
        }
        sleep(ASK_AGAIN).await;
    }
}
