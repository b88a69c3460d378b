//! The database: its pool, its schema, its errors.

mod doubt;
mod error;
pub mod migrate;
mod postgres;
pub mod startup;

use std::{sync::Arc, time::Duration};

use ::metrics::gauge;
use axum::BoxError;
use sqlx::Connection as _;

pub use self::postgres::{ConnectOptions, Connection, Driver, begin};
use self::startup::Schema;
use crate::{
    background::Background,
    config::{AppEnv, Config, Env},
    health::Health,
};

/// Connections that are opened when they are needed, and kept. A clone is one more reference.
pub type Pool = sqlx::Pool<Driver>;

/// Looks at the schema, and watches the database: readiness asks for it, and metrics show the pool.
///
/// # Errors
/// The schema is not the one that this build needs. A database that is down is no error: the
/// service is not ready until it is up, and its schema was seen.
pub async fn watch(
    pool: &Pool,
    config: &Config,
    health: &Health,
    background: &Background,
) -> Result<(), BoxError> {
    let migrating = (config.app_env == AppEnv::Development).then(|| options(config));
    let schema = Schema::new(pool.clone(), &migrate::MIGRATIONS, migrating.transpose()?);
    let schema = Arc::new(schema);
    schema.at_start(config.health_check_timeout, background).await?;

    health.required("database", move || {
        let schema = schema.clone();
        async move { schema.ready().await }
    });
    report(pool.clone(), background);
    Ok(())
}

/// A pool that has connected to nothing yet.
///
/// # Errors
/// `DATABASE_URL` cannot be used.
pub fn connect(config: &Config) -> Result<Pool, BoxError> {
    let options = options(config)?;
    postgres::prepare(&options)?;
    let test_after = config.database_test_after_idle;
    let pool = sqlx::pool::PoolOptions::new()
        .max_connections(config.database_max_connections)
        .acquire_timeout(config.database_acquire_timeout)
        .idle_timeout(config.database_idle_timeout)
        .max_lifetime(config.database_max_lifetime)
        // At every use it would cost a third of the throughput, for connections that are alive.
        .test_before_acquire(false)
        .before_acquire(move |connection: &mut Connection, meta| {
            Box::pin(async move {
                if meta.idle_for > test_after || doubt::about(meta.age) {
                    connection.ping().await?;
                }
                Ok(true)
            })
        });
    Ok(pool.connect_lazy_with(options))
}

/// Where the database is, and how to talk to it.
///
/// # Errors
/// `DATABASE_URL` cannot be used; the reason does not show it.
pub fn options(config: &Config) -> Result<ConnectOptions, &'static str> {
    postgres::options(config)
}

/// Notes settings that no connection can be made from.
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
