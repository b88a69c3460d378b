//! The pool: connections that are opened when they are needed, and kept.
//!
//! deadpool keeps them. sqlx's pool pings each connection that comes back, which is a round trip for every
//! statement. This one passes it on if the server has answered all that it was asked, and waits for the
//! rest of the answers otherwise.

use std::{
    fmt,
    io::ErrorKind,
    ops::{Deref, DerefMut},
    sync::{LazyLock, PoisonError, RwLock},
    time::{Duration, Instant},
};

use async_stream::try_stream;
use deadpool::{
    Status,
    managed::{self, Metrics, Object, PoolError, QueueMode, RecycleResult},
};
use futures_util::{
    FutureExt, TryStreamExt,
    future::{BoxFuture, join_all},
    stream::BoxStream,
};
use metrics::{Histogram, histogram};
use sqlx::{
    ConnectOptions as _, Connection as _, Database, Describe, Either, Execute, Executor,
    SqlSafeStr, SqlStr,
};
use sqlx_core::transaction::TransactionManager as _;
use tokio::{
    runtime::Handle,
    time::{sleep, timeout},
};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::{ConnectOptions, Connection, Driver, doubt, postgres::Limits};
use crate::config::Config;

type Row = <Driver as Database>::Row;
type QueryResult = <Driver as Database>::QueryResult;
type Statement = <Driver as Database>::Statement;
type Manager = <Driver as Database>::TransactionManager;

static WAIT: LazyLock<Histogram> =
    LazyLock::new(|| histogram!("database_acquire_duration_seconds"));

/// Connections, which are opened when they are needed and kept. Clones share them.
#[derive(Clone)]
pub struct Pool(managed::Pool<Connector>);

impl Pool {
    /// A pool without connections yet.
    pub(super) fn new(options: ConnectOptions, config: &Config) -> Self {
        let connector = Connector {
            options: RwLock::new(options),
            limits: Limits::new(config),
            acquire_timeout: config.database_acquire_timeout,
            test_after: config.database_test_after_idle,
            idle_timeout: config.database_idle_timeout,
            max_lifetime: config.database_max_lifetime,
            callers: TaskTracker::new(),
        };
        let max_size = usize::try_from(config.database_max_connections).unwrap_or(usize::MAX);
        let pool = managed::Pool::builder(connector)
            .max_size(max_size)
            // The one that was used last is lent first, and a surplus is not used until it is closed.
            .queue_mode(QueueMode::Lifo)
            .build();
        Self(pool.expect("deadpool needs a runtime only for timeouts"))
    }

    /// A connection, which returns to the pool when it is dropped. Callers that wait get theirs in turn.
    ///
    /// # Errors
    /// None is free within `DATABASE_ACQUIRE_TIMEOUT`; a new one cannot be opened; the pool is closed.
    pub async fn acquire(&self) -> sqlx::Result<PoolConnection> {
        let connector = self.0.manager();
        if connector.callers.is_closed() {
            return Err(sqlx::Error::PoolClosed);
        }
        let (begun, caller) = (Instant::now(), connector.callers.token());
        let acquired = timeout(connector.acquire_timeout, self.0.get()).await;
        WAIT.record(begun.elapsed());
        match acquired {
            Ok(Ok(connection)) => {
                Ok(PoolConnection { connection: Some(connection), begins: false, caller })
            }
            Ok(Err(PoolError::Backend(error))) => Err(error),
            Ok(Err(PoolError::Closed)) => Err(sqlx::Error::PoolClosed),
            Ok(Err(_)) | Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// Begins a transaction, which is rolled back unless it is committed.
    ///
    /// # Errors
    /// As [`Pool::acquire`]; the database does not answer.
    pub async fn begin(&self) -> sqlx::Result<Transaction> {
        self.begin_with("BEGIN").await
    }

    /// Begins a transaction with this statement.
    ///
    /// # Errors
    /// As [`Pool::begin`].
    pub async fn begin_with(&self, statement: &'static str) -> sqlx::Result<Transaction> {
        let mut connection = self.acquire().await?;
        connection.begins = true;
        Manager::begin(&mut connection, Some(statement.into_sql_str())).await?;
        connection.begins = false;
        Ok(Transaction { connection, is_open: true })
    }

    /// The numbers of connections, and of callers that wait for one.
    pub fn status(&self) -> Status {
        self.0.status()
    }

    /// The address and the options of new connections.
    pub fn connect_options(&self) -> ConnectOptions {
        self.0.manager().options()
    }

    /// Changes the options of new connections. The open ones stay as they are.
    pub fn set_connect_options(&self, options: ConnectOptions) {
        *self.0.manager().options.write().unwrap_or_else(PoisonError::into_inner) = options;
    }

    /// Closes free connections that are in doubt, too old, or were not used for too long.
    pub async fn close_unused(&self) {
        let Connector { idle_timeout, max_lifetime, .. } = self.0.manager();
        let unused = self.0.retain(|_, metrics| {
            !doubt::about(metrics.age())
                && !is_over(*max_lifetime, metrics.age())
                && !is_over(*idle_timeout, metrics.last_used())
        });
        self.close_all(unused.removed).await;
    }

    /// Lends no more connections, and closes each: the free ones now, the others as they come back.
    pub async fn close(&self) {
        let callers = &self.0.manager().callers;
        callers.close();
        let free = self.0.retain(|_, _| false).removed;
        self.0.close();
        self.close_all(free).await;
        callers.wait().await;
    }

    async fn close_all(&self, connections: Vec<Connection>) {
        join_all(connections.into_iter().map(|connection| self.0.manager().close(connection)))
            .await;
    }
}

/// Zero is no limit.
fn is_over(limit: Duration, time: Duration) -> bool {
    !limit.is_zero() && time > limit
}

/// Without the options, which have the password.
impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.status()).finish()
    }
}

/// Each statement on a connection that it has for itself.
impl<'p> Executor<'p> for &'p Pool {
    type Database = Driver;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, sqlx::Result<Either<QueryResult, Row>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Driver>,
    {
        Box::pin(try_stream! {
            let mut connection = self.acquire().await?;
            let mut found = connection.fetch_many(query);
            while let Some(item) = found.try_next().await? {
                yield item;
            }
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<Row>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Driver>,
    {
        Box::pin(async { self.acquire().await?.fetch_optional(query).await })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [<Driver as Database>::TypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<Statement>>
    where
        'p: 'e,
    {
        Box::pin(async { self.acquire().await?.prepare_with(sql, parameters).await })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Driver>>>
    where
        'p: 'e,
    {
        Box::pin(async { self.acquire().await?.describe(sql).await })
    }
}

/// A connection of the pool, until it is dropped.
pub struct PoolConnection {
    /// `None` only while it is dropped.
    connection: Option<Object<Connector>>,
    /// A transaction may have begun, and sqlx does not know yet.
    begins: bool,
    caller: TaskTrackerToken,
}

impl Deref for PoolConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("it is not dropped")
    }
}

impl DerefMut for PoolConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("it is not dropped")
    }
}

impl Drop for PoolConnection {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let Ok(runtime) = Handle::try_current() else {
            drop(Object::take(connection));
            return;
        };
        let (begins, caller) = (self.begins, self.caller.clone());
        let mut returned = Box::pin(async move {
            give_back(connection, begins).await;
            drop(caller);
        });
        // Mostly there is nothing to wait for.
        if returned.as_mut().now_or_never().is_none() {
            runtime.spawn(returned);
        }
    }
}

/// Returns a connection to its pool, once the server has answered all that it was asked. One that fails, or
/// is too old, is closed instead.
async fn give_back(mut connection: Object<Connector>, begins: bool) {
    let Some(pool) = Object::pool(&connection) else { return };
    let connector = pool.manager();
    let mut settled = connector.limits.settle(&mut connection).await;
    if settled.is_ok() && begins {
        settled = connector.limits.roll_back(&mut connection).await;
    }
    if let Err(error) = settled {
        tracing::warn!(cause = %error, "a connection to the database is lost");
        drop(Object::take(connection));
        return;
    }
    let age = Object::metrics(&connection).age();
    if is_over(connector.max_lifetime, age) || connector.callers.is_closed() {
        connector.close(Object::take(connection)).await;
    }
}

/// A transaction, which is rolled back unless it is committed.
pub struct Transaction {
    connection: PoolConnection,
    is_open: bool,
}

impl Transaction {
    /// Commits what was written.
    ///
    /// # Errors
    /// It is rolled back, for example because it conflicts with another one; or the answer is lost, and
    /// with it whether it is.
    pub async fn commit(mut self) -> sqlx::Result<()> {
        Manager::commit(&mut self).await?;
        self.is_open = false;
        Ok(())
    }

    /// Rolls it back, and waits until that is done.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn rollback(mut self) -> sqlx::Result<()> {
        Manager::rollback(&mut self).await?;
        self.is_open = false;
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.is_open {
            Manager::start_rollback(self);
        }
    }
}

/// Opens connections, and says which are used again.
struct Connector {
    options: RwLock<ConnectOptions>,
    limits: Limits,
    acquire_timeout: Duration,
    test_after: Duration,
    idle_timeout: Duration,
    max_lifetime: Duration,
    /// Callers that have a connection, or wait for one.
    callers: TaskTracker,
}

impl Connector {
    fn options(&self) -> ConnectOptions {
        self.options.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says goodbye to the server, which may be gone, for as long as a caller would wait.
    async fn close(&self, connection: Connection) {
        let _ = timeout(self.acquire_timeout, connection.close()).await;
    }
}

impl managed::Manager for Connector {
    type Type = Connection;
    type Error = sqlx::Error;

    /// Tries again while the server starts. [`Pool::acquire`] limits the time.
    async fn create(&self) -> sqlx::Result<Connection> {
        let mut pause = Duration::from_millis(10);
        loop {
            // Boxed, as it is large, and rare.
            match Box::pin(self.options().connect()).await {
                Ok(mut connection) => match self.limits.set(&mut connection).await {
                    Ok(()) => return Ok(connection),
                    Err(error) => tracing::warn!(cause = %error, "a new connection is useless"),
                },
                Err(error) if may_pass(&error) && !self.callers.is_closed() => {}
                Err(error) => return Err(error),
            }
            sleep(pause).await;
            pause = (pause * 2).min(self.acquire_timeout / 5);
        }
    }

    /// Tests a connection that was idle, or is suspected: a test before every use would cost a third of the
    /// throughput.
    async fn recycle(
        &self,
        connection: &mut Connection,
        metrics: &Metrics,
    ) -> RecycleResult<sqlx::Error> {
        if doubt::about(metrics.age()) {
            return Err(managed::RecycleError::message("in doubt"));
        }
        // Since it was lent: deadpool does not note when it came back.
        if metrics.last_used() > self.test_after || doubt::is_suspected() {
            self.limits.test(connection).await?;
            doubt::trust();
        }
        Ok(())
    }
}

/// Whether the server takes no connections yet, or has too many.
fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => error.is_transient_in_connect_phase(),
        _ => false,
    }
}
