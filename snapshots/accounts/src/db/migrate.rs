//! The schema: what has been applied to the database, and what is to come.
//!
//! Migrations are the files of `migrations/`, part of the binary. One that has been applied anywhere
//! is not edited any more: a change is a new migration.

use std::collections::BTreeSet;

use axum::BoxError;
use clap::Subcommand;
use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};

use super::{
    Pool,
    postgres::{Connection, Lock, has_table},
};
use crate::config::{AppEnv, Config};

/// What to do with the schema.
#[derive(Clone, Copy, Debug, Default, Subcommand)]
pub enum Action {
    /// Apply what is pending (the default). Of several at once, one does it.
    #[default]
    Up,
    /// Take the newest migrations back.
    Down {
        /// How many.
        #[arg(long, default_value_t = 1)]
        steps: usize,
    },
    /// Show what is applied and what is pending.
    Status,
}

/// The schema is older than this build.
#[derive(Debug, thiserror::Error)]
#[error("the schema is behind this build; pending: {pending}. Run `demo migrate` first")]
pub struct Behind {
    pending: String,
}

/// Carries out `action`; returns what to tell.
///
/// # Errors
/// A database that does not answer, or a migration that fails.
#[tokio::main(flavor = "current_thread")]
pub async fn run(config: &Config, action: Action) -> Result<String, BoxError> {
    let pool = super::connect(config)?;
    let told = match action {
        Action::Up => match up(&pool).await? {
            0 => "nothing to do: the schema is current\n".to_owned(),
            applied => format!("applied: {applied}\n"),
        },
        Action::Down { steps } => format!("taken back: {}\n", down(&pool, steps).await?),
        Action::Status => status(&pool).await?,
    };
    pool.close().await;
    Ok(told)
}

/// Applies what is pending, and returns how many that were. One process at a time: the others wait,
/// and find nothing left to do.
///
/// # Errors
/// A database that does not answer, or a migration that fails.
pub async fn up(pool: &Pool) -> Result<usize, BoxError> {
    let mut lock = Lock::take(pool).await?;
    let before = applied(lock.connection()).await?.len();
    let outcome = migrator().run_direct(None, lock.connection(), false).await;
    let after = applied(lock.connection()).await?.len();
    lock.release().await?;
    outcome?;
    Ok(after - before)
}

/// Takes the newest `steps` migrations back, and returns how many that were.
///
/// # Errors
/// A database that does not answer, or a migration that fails.
pub async fn down(pool: &Pool, steps: usize) -> Result<usize, BoxError> {
    let mut lock = Lock::take(pool).await?;
    let mut applied = applied(lock.connection()).await?;
    let mut taken = 0;
    let mut outcome = Ok(());
    while let (Some(version), true, Ok(())) = (applied.pop_last(), taken < steps, &outcome) {
        let down = migrator();
        let down = down.iter().find(|migration| {
            migration.version == version && migration.migration_type.is_down_migration()
        });
        outcome = match down {
            Some(migration) => lock.connection().revert(TABLE, migration).await.map(drop),
            None => Err(MigrateError::VersionMissing(version)),
        };
        taken += usize::from(outcome.is_ok());
    }
    lock.release().await?;
    outcome?;
    Ok(taken)
}

/// Fails when the schema is behind. One that is ahead is fine: it has to be, for the time in which a
/// new version comes and the old one still serves.
///
/// # Errors
/// [`Behind`], or a database that does not answer.
pub async fn check(pool: &Pool) -> Result<(), BoxError> {
    let applied = applied(&mut *pool.acquire().await?).await?;
    let pending: Vec<String> = pending(&applied).iter().map(title).collect();
    if pending.is_empty() { Ok(()) } else { Err(Behind { pending: pending.join(", ") }.into()) }
}

/// Whether the schema is known to be current. In development it is brought up to date; elsewhere one
/// that is behind is an error, for replicas that migrate are replicas that race. A database that is
/// down is none: health asks again.
///
/// # Errors
/// [`Behind`], or a migration that fails.
pub async fn at_start(pool: &Pool, config: &Config) -> Result<bool, BoxError> {
    let outcome = match config.app_env {
        AppEnv::Development => up(pool).await.map(drop),
        AppEnv::Production => check(pool).await,
    };
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if is_down(&error) => {
            tracing::warn!(%error, "the database does not answer; not ready until it does");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn is_down(error: &BoxError) -> bool {
    let cause = error.downcast_ref().or(match error.downcast_ref() {
        Some(MigrateError::Execute(cause)) => Some(cause),
        _ => None,
    });
    matches!(cause, Some(sqlx::Error::PoolTimedOut | sqlx::Error::Io(_)))
}

async fn status(pool: &Pool) -> Result<String, BoxError> {
    let applied = applied(&mut *pool.acquire().await?).await?;
    let mut lines = String::new();
    for migration in migrator().iter().filter(|one| !one.migration_type.is_down_migration()) {
        let state = if applied.contains(&migration.version) { "applied" } else { "pending" };
        lines.extend([state, "  ", &title(migration), "\n"]);
    }
    Ok(lines)
}

/// sqlx's own name for its table.
const TABLE: &str = "_sqlx_migrations";

/// The migrations of this build. It takes no lock of its own, which would be waited for inside of a
/// statement, and does not mind those of a newer build.
fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!();
    migrator.set_locking(false).set_ignore_missing(true);
    migrator
}

/// Writes nothing: the service itself may have no right to.
async fn applied(connection: &mut Connection) -> Result<BTreeSet<i64>, MigrateError> {
    if !has_table(connection, TABLE).await? {
        return Ok(BTreeSet::new());
    }
    let applied = connection.list_applied_migrations(TABLE).await?;
    Ok(applied.into_iter().map(|migration| migration.version).collect())
}

fn pending(applied: &BTreeSet<i64>) -> Vec<Migration> {
    let is_pending = |one: &&Migration| {
        !one.migration_type.is_down_migration() && !applied.contains(&one.version)
    };
    migrator().iter().filter(is_pending).cloned().collect()
}

fn title(migration: &Migration) -> String {
    format!("{}_{}", migration.version, migration.description.replace(' ', "_"))
}
