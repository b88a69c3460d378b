//! The database: its pool, its schema, its errors.

mod batches;
mod choice;
pub mod constraint;
pub mod decimals;
mod doubt;
mod error;
pub mod listing;
pub mod migrate;
mod postgres;
pub mod rotation;
pub mod rows;
pub mod startup;
pub mod step;

use std::{sync::Arc, time::Duration};

pub use self::batches::{BATCH, begin_alone, in_batches, pause};
pub(crate) use self::choice::choice;
pub use self::postgres::{
    ConnectOptions, Connection, Driver, begin, is_writable, now, try_lock_key,
};
use self::startup::Schema;
use crate::{
    background::Background,
    config::{AppEnv, Config, Env},
    error::Cause,
};
use ::metrics::gauge;

/// Connections, which are opened when they are needed and kept. Clones share them.
pub type Pool = sqlx::Pool<Driver>;

/// Checks the schema, and reports the pool to the metrics. The result is the health check.
///
/// # Errors
/// The schema is not the one that this build needs. A database that is down is not an error: the
/// service is not ready until the database answers and has the schema.
pub async fn watch(
    pool: &Pool,
    config: &Config,
    background: &Background,
) -> Result<Arc<Schema>, Cause> {
    let migrating = (config.app_env == AppEnv::Development).then(|| options(config));
    let within = config.health_check_timeout;
    let schema = Schema::new(pool.clone(), &migrate::MIGRATIONS, migrating.transpose()?, within);
    let schema = Arc::new(schema);
    schema.at_start(background).await?;
    report(pool.clone(), background);
    rotation::watch(pool, config, background);
    Ok(schema)
}

/// A pool without connections yet.
///
/// # Errors
/// `DATABASE_URL` cannot be used.
pub fn connect(config: &Config) -> Result<Pool, Cause> {
    let options = options(config)?;
    postgres::prepare(&options)?;
    let test_after = config.database_test_after_idle;
    let limits = postgres::Limits::new(config);
    let pool = sqlx::pool::PoolOptions::new()
        .max_connections(config.database_max_connections)
        .acquire_timeout(config.database_acquire_timeout)
        // `telemetry::statements` measures it.
        .acquire_time_level(log::LevelFilter::Debug)
        .idle_timeout(lifetime(config.database_idle_timeout))
        .max_lifetime(lifetime(config.database_max_lifetime))
        .after_connect(move |connection, _| Box::pin(limits.set(connection)))
        .after_release(move |connection, meta| {
            Box::pin(async move {
                limits.settle(connection).await?;
                Ok(!doubt::about(meta.age))
            })
        })
        // A test before every use would cost a third of the throughput.
        .test_before_acquire(false)
        .before_acquire(move |connection: &mut Connection, meta| {
            Box::pin(async move {
                if doubt::about(meta.age) {
                    return Ok(false);
                }
                if meta.idle_for > test_after || doubt::is_suspected() {
                    limits.test(connection).await?;
                    doubt::trust();
                }
                Ok(true)
            })
        });
    Ok(pool.connect_lazy_with(options))
}

/// Address and options of the database.
///
/// # Errors
/// `DATABASE_URL` cannot be used; the reason does not show it.
pub fn options(config: &Config) -> Result<ConnectOptions, &'static str> {
    postgres::options(config)
}

/// Checks the settings of this module.
pub fn check(config: &Config, env: &mut Env) {
    postgres::check(config, env);
    for (name, value) in [
        ("DATABASE_ACQUIRE_TIMEOUT", config.database_acquire_timeout),
        ("DATABASE_STATEMENT_TIMEOUT", config.database_statement_timeout),
    ] {
        if value.is_zero() {
            env.fault(name, "must be longer than zero");
        }
    }
    is_in_range("DATABASE_STATEMENT_TIMEOUT", config.database_statement_timeout, env);
}

/// Refuses a time that has no place in the database, which counts milliseconds in 32 bits.
fn is_in_range(name: &'static str, value: Duration, env: &mut Env) {
    const LONGEST_HOURS: u64 = i32::MAX as u64 / 3_600_000;
    if value > Duration::from_hours(LONGEST_HOURS) {
        env.fault(name, format!("must be at most {LONGEST_HOURS}h"));
    }
}

/// A connection without a limit stays open; with a limit of zero, sqlx would look for such
/// connections without a pause.
fn lifetime(setting: Duration) -> Option<Duration> {
    (!setting.is_zero()).then_some(setting)
}

/// A write whose caller has left is over after this time, in one way or the other.
#[allow(dead_code, reason = "for the cache")]
pub fn longest_write(config: &Config) -> Duration {
    postgres::longest_write(config)
}

/// Keeps the metrics of the pool up to date.
fn report(pool: Pool, background: &Background) {
    gauge!("database_connections_max").set(pool.options().get_max_connections());
    background.every("database_metrics", Duration::from_secs(1), move || {
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        gauge!("database_connections", "state" => "idle").set(idle);
        gauge!("database_connections", "state" => "used").set(pool.size().saturating_sub(idle));
        std::future::ready(())
    });
}
