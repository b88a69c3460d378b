//! The database: its connections, how they are, and its schema.

mod error;
pub mod migrate;
mod sqlite;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::BoxError;
use metrics::gauge;
use sqlx::{Connection as _, pool::PoolOptions};

pub use sqlite::{Connection, Driver, Pool, begin, options};

use crate::{background::Background, config::Config, health::Health};

/// A connection that rested for longer is tried before it is used. At each use that would be one
/// more round trip for each request.
const TRY_AFTER: Duration = Duration::from_secs(30);

/// A pool for the database of the settings. Nothing is connected yet: a database that is down is no
/// reason not to start.
///
/// # Errors
/// An address that cannot be read.
pub fn connect(config: &Config) -> sqlx::Result<Pool> {
    let pool = PoolOptions::<Driver>::new()
        .max_connections(config.database_max_connections)
        .acquire_timeout(config.database_acquire_timeout)
        .idle_timeout(config.database_idle_timeout)
        .max_lifetime(config.database_max_lifetime)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(
                async move { Ok(meta.idle_for <= TRY_AFTER || connection.ping().await.is_ok()) },
            )
        });
    Ok(pool.connect_lazy_with(options(config)?))
}

/// Watches the database: readiness asks for it, and metrics show the pool.
///
/// # Errors
/// A schema that this build cannot work on, where the database can be asked for it.
pub async fn watch(
    pool: &Pool,
    config: &Config,
    health: &Health,
    background: &Background,
) -> Result<(), BoxError> {
    let current = Arc::new(AtomicBool::new(migrate::at_start(pool, config).await?));
    let watched = pool.clone();
    health.required("database", move || {
        let (pool, current) = (watched.clone(), current.clone());
        async move {
            if !current.load(Ordering::Relaxed) {
                migrate::check(&pool).await?;
                current.store(true, Ordering::Relaxed);
            }
            is_there(&pool).await
        }
    });
    let measured = pool.clone();
    background.every("database_metrics", Duration::from_secs(5), move || {
        let pool = measured.clone();
        async move { measure(&pool) }
    });
    Ok(())
}

/// Asks over a connection of the pool. Where all are at work there is none to ask over, and no need to.
async fn is_there(pool: &Pool) -> Result<(), BoxError> {
    let mut connection = match pool.try_acquire() {
        Some(connection) => connection,
        None if pool.size() >= pool.options().get_max_connections() => return Ok(()),
        None => pool.acquire().await?,
    };
    sqlx::query("SELECT 1").execute(&mut *connection).await?;
    Ok(())
}

fn measure(pool: &Pool) {
    #[allow(clippy::cast_precision_loss, reason = "a pool has a few connections")]
    let idle = pool.num_idle() as f64;
    gauge!("database_connections", "state" => "idle").set(idle);
    gauge!("database_connections", "state" => "used").set(f64::from(pool.size()) - idle);
    gauge!("database_connections_max").set(f64::from(pool.options().get_max_connections()));
}
