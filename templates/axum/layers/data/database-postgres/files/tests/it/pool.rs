//! perf.pool: a connection is passed on as soon as the server has answered, and not before.

use futures_util::FutureExt;
use sqlx::{Executor, Postgres};

use crate::support::{
    database::{self, Database, postgres::proxy::Proxy},
    service::{
        db::{Connection, Pool},
        error::Error,
        http::problem::Kind,
    },
};

const ONE: (&str, &str) = ("DATABASE_MAX_CONNECTIONS", "1");

async fn execute(connection: &mut Connection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

async fn pid<'c>(from: impl Executor<'c, Database = Postgres>) -> i32 {
    sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(from).await.unwrap()
}

async fn exists(pool: &Pool, table: &str) -> bool {
    let exists = "SELECT to_regclass($1) IS NOT NULL";
    sqlx::query_scalar(exists).bind(table).fetch_one(pool).await.unwrap()
}

/// Without another round trip, for which it would have to wait.
#[tokio::test]
async fn a_connection_is_free_with_the_answer() {
    let database = Database::empty().await;
    let pool = database.pool();
    sqlx::query("SELECT 1").fetch_one(&pool).await.unwrap();
    assert_eq!(pool.status().available, 1);
    sqlx::query("SELECT 1").execute(&pool).await.unwrap();
    assert_eq!(pool.status().available, 1);
    sqlx::query("SELECT 1").fetch_all(&pool).await.unwrap();
    assert_eq!(pool.status().available, 1);
    pool.begin().await.unwrap().commit().await.unwrap();
    assert_eq!(pool.status().available, 1);
}

#[tokio::test]
async fn the_connection_of_an_abandoned_statement_is_free_after_the_answer() {
    let database = Database::empty().await;
    let other = database.pool();
    let mut holder = other.acquire().await.unwrap();
    execute(&mut holder, "SELECT pg_advisory_lock(1)").await;

    let pool = database.pool();
    let mut busy = pool.acquire().await.unwrap();
    let before = pid(&mut *busy).await;
    let waits = sqlx::raw_sql("SELECT pg_advisory_lock(1)").execute(&mut *busy).now_or_never();
    assert!(waits.is_none(), "it waits for the lock");
    drop(busy);
    assert_ne!(pid(&pool).await, before);
    assert_eq!(pool.status().available, 1);

    execute(&mut holder, "SELECT pg_advisory_unlock(1)").await;
    database::becomes(&pool, |pool| pool.available == 2).await;
}

#[tokio::test]
async fn a_transaction_that_is_dropped_is_rolled_back() {
    let database = Database::empty().await;
    let pool = database.pool_with(&[ONE]);
    let mut transaction = pool.begin().await.unwrap();
    execute(&mut transaction, "CREATE TABLE dropped (id int)").await;
    drop(transaction);
    assert!(!exists(&pool, "dropped").await);
}

#[tokio::test]
async fn a_transaction_that_began_without_its_caller_is_rolled_back() {
    let database = Database::empty().await;
    let proxy = Proxy::before(&database).await;
    let pool = database.pool_with(&[ONE, ("DATABASE_URL", &proxy.url)]);
    proxy.withhold(&["BEGIN"]);
    let caller = pool.clone();
    let caller = tokio::spawn(async move { caller.begin().await.map(drop) });
    proxy.withheld().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    proxy.deliver();
    execute(&mut pool.acquire().await.unwrap(), "CREATE TABLE kept (id int)").await;
    assert!(exists(&database.pool(), "kept").await);
}

#[tokio::test]
async fn a_connection_that_is_always_in_use_is_replaced() {
    let database = Database::empty().await;
    let pool = database.pool_with(&[("DATABASE_MAX_LIFETIME", "1ms")]);
    let mut used = pool.acquire().await.unwrap();
    execute(&mut used, "SELECT pg_sleep(0.01)").await;
    drop(used);
    database::becomes(&pool, |pool| pool.size == 0).await;
}

/// Otherwise they would hold their sessions for as long as unused ones are kept.
#[tokio::test]
async fn after_a_lost_connection_the_older_ones_are_closed() {
    let database = Database::empty().await;
    let pool = database.pool();
    let (mut lost, older) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    drop(older);
    let end = "SELECT pg_terminate_backend(pg_backend_pid())";
    let error = sqlx::query(end).execute(&mut *lost).await.unwrap_err();
    assert_eq!(Kind::from(&Error::from(error)), Kind::Unavailable);
    pool.close_unused().await;
    assert_eq!(pool.status().size, 1, "the lost one alone");
}

/// The server may be starting.
#[tokio::test]
async fn a_refused_connection_is_tried_again_as_long_as_its_caller_waits() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let database = Database::empty().await;
    let url = format!("postgres://127.0.0.1:{}/none", free.port());
    let pool = database.pool_with(&[("DATABASE_URL", &url), ("DATABASE_ACQUIRE_TIMEOUT", "50ms")]);
    let error = pool.acquire().await.map(drop).unwrap_err();
    assert!(matches!(error, sqlx::Error::PoolTimedOut), "{error}");
}
