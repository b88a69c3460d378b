//! The steps that the schema is made of, in `migrations/`, and the command that takes them.

use std::{fmt::Write as _, time::Duration};

use axum::BoxError;
use sqlx::{
    ConnectOptions as _, Connection as _,
    migrate::{AppliedMigration, Migrate as _, MigrateError, Migration, Migrator},
};
use tokio::time::sleep;

use super::{ConnectOptions, Connection, postgres as dialect};
use crate::{config::Config, telemetry};

/// The migrations that this build was made with.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// Where it is noted what was applied; tools of sqlx know it, too.
const HISTORY: &str = "_sqlx_migrations";

/// Whoever waits for another process to finish asks this often.
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// What `migrate` is to do.
#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub enum Action {
    /// Apply what is missing (the default).
    Up,
    /// Take back what was applied last.
    Down {
        /// How many migrations; one where nothing is said.
        #[arg(long, value_name = "N", conflicts_with = "to")]
        steps: Option<usize>,
        /// All that are newer than this one.
        #[arg(long, value_name = "VERSION")]
        to: Option<i64>,
    },
    /// List the migrations, and say which are applied.
    Status,
}

/// How far back to go.
#[derive(Clone, Copy, Debug)]
pub enum Back {
    /// This many migrations.
    Steps(usize),
    /// To the schema that this migration left.
    To(i64),
}

/// Does what the command line says; returns what there is to print, if anything.
///
/// # Errors
/// The database does not answer, or a migration fails.
pub fn run(config: &Config, action: Option<Action>) -> Result<Option<String>, BoxError> {
    let _telemetry = telemetry::init(config)?;
    let options = dialect::options(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
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
    })
}

/// Applies what is missing, and returns how many that were. Of several processes, one does it and
/// the others wait.
///
/// # Errors
/// The database does not answer, or a migration fails; those before it stay.
pub async fn up(migrations: &Migrator, options: &ConnectOptions) -> Result<usize, MigrateError> {
    let (mut connection, _lock) = dialect::lock(options).await?;
    let pending = pending(migrations, &mut connection).await?;
    if !pending.is_empty() {
        connection.ensure_migrations_table(HISTORY).await?;
    }
    for migration in &pending {
        tracing::info!(migration = name(migration), "applying");
        connection.apply(HISTORY, migration).await?;
    }
    tracing::info!(applied = pending.len(), "the schema is current");
    connection.close().await?;
    Ok(pending.len())
}

/// Takes migrations back, the newest first, and returns how many.
///
/// # Errors
/// The database does not answer, or one of them cannot be taken back.
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
    // All of them are found before the first is touched.
    let steps = undone.map(|(_, applied)| {
        let mut known = migrations.iter().filter(|known| known.version == applied.version);
        let down = known.find(|known| known.migration_type.is_down_migration());
        down.ok_or(MigrateError::VersionNotPresent(applied.version))
    });
    let steps = steps.collect::<Result<Vec<_>, _>>()?;
    for migration in &steps {
        tracing::info!(migration = name(migration), "taking back");
        connection.revert(HISTORY, migration).await?;
    }
    connection.close().await?;
    Ok(steps.len())
}

/// One line a migration.
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

/// What was not applied yet, oldest first. That more was applied is no fault: the build before
/// works on the schema of the next.
///
/// # Errors
/// The database does not answer, or has applied a migration that reads differently here.
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

/// A migration as people know it: the name of its file.
pub fn name(migration: &Migration) -> String {
    format!("{}_{}", migration.version, migration.description.replace(' ', "_"))
}

/// Oldest first.
async fn applied(connection: &mut Connection) -> Result<Vec<AppliedMigration>, MigrateError> {
    // sqlx would make the table, which is not for one who only looks.
    if sqlx::query_scalar(dialect::HAS_HISTORY).fetch_one(&mut *connection).await? {
        connection.list_applied_migrations(HISTORY).await
    } else {
        Ok(Vec::new())
    }
}

/// How a process waits for another that migrates.
#[derive(Default)]
pub struct Wait {
    told: bool,
}

impl Wait {
    /// Passes until the lock is worth another try. Says once what for.
    pub async fn a_moment(&mut self) {
        if !self.told {
            tracing::info!("another process migrates this database; waiting");
            self.told = true;
        }
        sleep(ASK_AGAIN).await;
    }
}
