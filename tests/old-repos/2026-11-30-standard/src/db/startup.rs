//! Whether the database has the schema that this build needs: it serves on no older one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::BoxError;
use sqlx::{
    Connection as _,
    migrate::{MigrateError, Migrator},
};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

use super::{ConnectOptions, Connection, Pool, doubt, migrate};
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
    /// What readiness asks over.
    probe: Mutex<Option<Connection>>,
}

impl Schema {
    /// Nothing is known yet. What is missing is applied where `migrating` says how to connect.
    pub fn new(
        pool: Pool,
        migrations: &'static Migrator,
        migrating: Option<ConnectOptions>,
    ) -> Self {
        let (current, probe) = (AtomicBool::new(false), Mutex::new(None));
        Self { pool, migrations, migrating, current, probe }
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
        // Not over the pool: a service that is busy would be taken out, and the others made busier; and
        // one whose connections all wait for a database that is gone would stay in.
        let mut probe = self.probe.lock().await;
        let mut connection = match probe.take() {
            Some(connection) => connection,
            None => Connection::connect_with(&self.pool.connect_options())
                .await
                .inspect_err(|_| doubt::cast())?,
        };
        // One that fails, or is not answered in time, is not put back.
        sqlx::query("SELECT 1").execute(&mut connection).await.inspect_err(|_| doubt::cast())?;
        *probe = Some(connection);
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
