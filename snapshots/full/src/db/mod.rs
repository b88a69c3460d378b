//! The database: its pool, its schema, its errors.

mod batches;
mod choice;
pub mod constraint;
pub mod decimals;
mod doubt;
mod error;
pub mod listing;
pub mod migrate;
mod pool;
mod postgres;
pub mod rotation;
pub mod rows;
pub mod startup;
pub mod step;

use std::{sync::Arc, time::Duration};

use ::metrics::gauge;
use deadpool::Status;

pub use self::batches::{BATCH, begin_alone, in_batches, pause};
pub(crate) use self::choice::choice;
pub use self::pool::{Pool, PoolConnection, Transaction};
pub use self::postgres::{
    ConnectOptions, Connection, Driver, begin, is_writable, now, try_lock_key,
};
use self::startup::Schema;
use crate::{
    background::Background,
    config::{AppEnv, Config, Env},
    error::Cause,
};

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
    Ok(Pool::new(options, config))
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

/// A write whose caller has left is over after this time, in one way or the other.
#[allow(dead_code, reason = "for the cache")]
pub fn longest_write(config: &Config) -> Duration {
    postgres::longest_write(config)
}

/// Keeps the metrics of the pool up to date, and closes connections that it does not need.
fn report(pool: Pool, background: &Background) {
    gauge!("database_connections_max").set(count(pool.status().max_size));
    let measured = pool.clone();
    background.every("database_metrics", Duration::from_secs(1), move || {
        let Status { size, available, .. } = measured.status();
        gauge!("database_connections", "state" => "idle").set(count(available));
        gauge!("database_connections", "state" => "used").set(count(size - available));
        std::future::ready(())
    });
    background.every("database_unused", Duration::from_secs(1), move || {
        let pool = pool.clone();
        async move { pool.close_unused().await }
    });
}

fn count(connections: usize) -> u32 {
    u32::try_from(connections).unwrap_or(u32::MAX)
}
