//! Whether the database has the schema that this build needs: it serves on no older one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::BoxError;
use sqlx::migrate::{MigrateError, Migrator};
use tokio::time::{sleep, timeout};

use super::{ConnectOptions, Pool, migrate};
use crate::background::Background;

/// As long as the schema is not known, it is looked at this often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Why the service cannot work on a database.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Migrations of this build were not applied to it.
    #[error("the database lacks {names}; `{service} migrate` applies them",
        names = .0.join(", "), service = env!("CARGO_PKG_NAME"))]
    Behind(Vec<String>),
    /// A migration is not what was applied.
    #[error("migration {0} has been changed since it was applied; write a new one instead")]
    Changed(i64),
    /// The database did not say.
    #[error("the schema is not known: {0}")]
    Unknown(BoxError),
}

impl From<MigrateError> for SchemaError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMismatch(version) => Self::Changed(version),
            error => Self::Unknown(error.into()),
        }
    }
}

/// The schema that a build needs, and whether the database was seen to have it.
pub struct Schema {
    pool: Pool,
    migrations: &'static Migrator,
    migrating: Option<ConnectOptions>,
    current: AtomicBool,
}

impl Schema {
    /// Nothing is known yet. What is missing is applied where `migrating` says how to connect.
    pub fn new(
        pool: Pool,
        migrations: &'static Migrator,
        migrating: Option<ConnectOptions>,
    ) -> Self {
        Self { pool, migrations, migrating, current: AtomicBool::new(false) }
    }

    /// Looks at the database, `within` that time. One that does not answer is looked at by
    /// [`Schema::ready`] later on; where migrations are applied, in the background as well.
    ///
    /// # Errors
    /// The database answers, and the service cannot work on it.
    pub async fn at_start(
        self: &Arc<Self>,
        within: Duration,
        background: &Background,
    ) -> Result<(), SchemaError> {
        match self.settle(within).await {
            Err(SchemaError::Unknown(error)) => {
                tracing::warn!(error, "the database does not answer yet");
            }
            known => return known,
        }
        if self.migrating.is_none() {
            return Ok(());
        }
        let (schema, stopping) = (self.clone(), background.stopping());
        background.spawn(async move {
            let settle = async {
                while schema.settle(within).await.is_err() {
                    sleep(LOOK_AGAIN).await;
                }
            };
            stopping.run_until_cancelled(settle).await;
        });
        Ok(())
    }

    /// Whether requests can be sent here.
    ///
    /// # Errors
    /// The database does not answer, or its schema was never seen to be current.
    pub async fn ready(&self) -> Result<(), BoxError> {
        if !self.current.load(Ordering::Relaxed) {
            return Ok(self.look().await?);
        }
        // Where all connections are at work there is none to ask over, and no need to: who is taken
        // out of service for being busy makes the others busier.
        let mut connection = match self.pool.try_acquire() {
            Some(connection) => connection,
            None if self.pool.size() >= self.pool.options().get_max_connections() => return Ok(()),
            None => self.pool.acquire().await?,
        };
        sqlx::query("SELECT 1").execute(&mut *connection).await?;
        Ok(())
    }

    async fn settle(&self, within: Duration) -> Result<(), SchemaError> {
        let looked = timeout(within, self.look()).await;
        match (looked, &self.migrating) {
            (Ok(Err(SchemaError::Behind(_))), Some(options)) => {
                migrate::up(self.migrations, options).await?;
                self.look().await
            }
            (Ok(looked), _) => looked,
            (Err(_), _) => Err(SchemaError::Unknown("no answer in time".into())),
        }
    }

    async fn look(&self) -> Result<(), SchemaError> {
        let mut connection = self.pool.acquire().await.map_err(MigrateError::from)?;
        let pending = migrate::pending(self.migrations, &mut connection).await?;
        if !pending.is_empty() {
            return Err(SchemaError::Behind(pending.into_iter().map(migrate::name).collect()));
        }
        self.current.store(true, Ordering::Relaxed);
        Ok(())
    }
}
