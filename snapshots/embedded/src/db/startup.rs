//! Whether the database has the schema that this build needs. The service runs on no older one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{
    Connection as _,
    migrate::{MigrateError, Migrator},
};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

use super::{ConnectOptions, Connection, Pool, doubt, is_writable, migrate};
use crate::{background::Background, error::Cause};

/// Interval of checks while the schema is unknown.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Why the service cannot run on a database.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Migrations of this build are not applied.
    #[error("the database lacks {names}; `{service} migrate` applies them",
        names = .0.join(", "), service = env!("CARGO_PKG_NAME"))]
    Behind(Vec<String>),
    /// A migration differs from the one that was applied.
    #[error("migration {0} has been changed since it was applied; write a new one instead")]
    Changed(i64),
    /// The database does not answer.
    #[error("the schema is not known: {0}")]
    Unknown(Cause),
}

impl From<MigrateError> for SchemaError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMismatch(version) => Self::Changed(version),
            error => Self::Unknown(error.into()),
        }
    }
}

/// The schema that a build needs, and whether the database has it.
pub struct Schema {
    pool: Pool,
    migrations: &'static Migrator,
    migrating: Option<ConnectOptions>,
    /// Time for an answer of the database.
    within: Duration,
    current: AtomicBool,
    /// The connection of the health check.
    probe: Mutex<Option<Connection>>,
}

impl Schema {
    /// An unknown schema of a database that has to answer `within` that time. With `migrating`, missing
    /// migrations are applied over such a connection.
    pub fn new(
        pool: Pool,
        migrations: &'static Migrator,
        migrating: Option<ConnectOptions>,
        within: Duration,
    ) -> Self {
        let (current, probe) = (AtomicBool::new(false), Mutex::new(None));
        Self { pool, migrations, migrating, within, current, probe }
    }

    /// Checks the schema. Where the database does not answer, [`Schema::ready`]
    /// checks it later; with `migrating`, a background task does, too.
    ///
    /// # Errors
    /// The database answers, and the service cannot run on its schema.
    pub async fn at_start(self: &Arc<Self>, background: &Background) -> Result<(), SchemaError> {
        match self.settle().await {
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
                while schema.settle().await.is_err() {
                    sleep(LOOK_AGAIN).await;
                }
            };
            stopping.run_until_cancelled(settle).await;
        });
        Ok(())
    }

    /// The health check of the database.
    ///
    /// # Errors
    /// The database does not answer, or its schema is not known to be current.
    pub async fn ready(self: Arc<Self>) -> Result<(), Cause> {
        if !self.current.load(Ordering::Relaxed) {
            return Ok(self.look().await?);
        }
        // Not over the pool: a busy replica would be taken out, and the others would get busier; and a
        // replica whose connections all wait for a lost database would stay in.
        let mut probe = self.probe.lock().await;
        let kept = match probe.take() {
            Some(connection) => self.tested(connection).await,
            None => None,
        };
        if let Some(connection) = kept {
            *probe = Some(connection);
            return Ok(());
        }
        // A server that is read-only is up: the reads of the service work.
        let mut connection = Connection::connect_with(&self.pool.connect_options()).await?;
        is_writable(&mut connection).await?;
        *probe = Some(connection);
        Ok(())
    }

    /// The connection, if it answers in time for another one to be opened, and leads to a server that
    /// accepts writes: after a failover, a new one may lead elsewhere.
    async fn tested(&self, mut connection: Connection) -> Option<Connection> {
        match timeout(self.within / 2, is_writable(&mut connection)).await {
            Ok(Ok(true)) => return Some(connection),
            Ok(Ok(false)) => doubt::after_read_only(),
            Ok(Err(error)) => doubt::after_test(&error),
            // The server may as well be busy.
            Err(_) => {}
        }
        None
    }

    async fn settle(&self) -> Result<(), SchemaError> {
        let looked = timeout(self.within, self.look()).await;
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
