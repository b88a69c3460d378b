//! perf.pool: a bounded pool with an acquire timeout, and database errors as problems of the right
//! kind.

use std::pin::pin;

use futures_util::FutureExt;
use tokio::time::timeout;

use crate::support::{
    PATIENCE, Process, TestApp, client,
    database::{self, Database, THINGS},
    problem, send,
    service::{
        db::migrate,
        error::Error,
        http::{problem::Kind, server::Stop},
    },
};

#[tokio::test]
async fn an_exhausted_pool_gives_503_and_recovers() {
    let database = Database::with_things().await;
    // Without DATABASE_ACQUIRE_TIMEOUT the request would wait for half an hour.
    let settings = [("DATABASE_URL", database.url()), ("DATABASE_ACQUIRE_TIMEOUT", "1s")];
    let app = TestApp::with(&settings).await;
    let held = [app.state.db.acquire().await.unwrap(), app.state.db.acquire().await.unwrap()];
    problem(app.get("/test/things"), (503, "unavailable")).await;
    // A busy replica stays ready: without it the other replicas would have more load.
    assert_eq!(send(app.get("/health/ready")).await.status(), 200);
    drop(held);
    let free = async { while send(app.get("/test/things")).await.status() != 200 {} };
    timeout(PATIENCE, free).await.expect("the pool has free connections again");
}

#[tokio::test]
async fn the_wait_for_a_connection_is_measured() {
    let service = Process::start(&[]).await;
    // The check of the schema takes one from the pool.
    assert!(service.metric("database_acquire_duration_seconds_count").await >= 1);
}

#[tokio::test]
async fn shutdown_closes_the_pool_after_the_last_request() {
    let database = Database::with_things().await;
    let mut app = TestApp::with(&[("DATABASE_URL", database.url())]).await;
    let db = app.state.db.clone();
    let held = db.acquire().await.unwrap();
    app.stop(Stop::Now);
    let closed = async { while db.acquire().await.is_ok() {} };
    timeout(PATIENCE, closed).await.expect("the pool is closed");
    drop(held);
    app.ended().await;
    assert_eq!(db.status().size, 0);
}

#[tokio::test]
async fn a_closed_pool_waits_for_the_last_connection() {
    let database = Database::empty().await;
    let pool = database.pool();
    let held = pool.acquire().await.unwrap();
    let mut closing = pin!(pool.close());
    assert!(closing.as_mut().now_or_never().is_none());
    let error = pool.acquire().await.map(drop).unwrap_err();
    assert!(matches!(error, sqlx::Error::PoolClosed), "{error}");
    drop(held);
    timeout(PATIENCE, closing).await.expect("the last one is back");
    assert_eq!(pool.status().size, 0);
}

#[tokio::test]
async fn the_pool_has_the_configured_size() {
    let app = TestApp::with(&[("DATABASE_MAX_CONNECTIONS", "7")]).await;
    assert_eq!(app.state.db.status().max_size, 7);
}

#[tokio::test]
async fn the_service_closes_connections_that_it_does_not_need() {
    let app = TestApp::with(&[("DATABASE_IDLE_TIMEOUT", "1ms")]).await;
    drop(app.state.db.acquire().await.unwrap());
    database::becomes(&app.state.db, |pool| pool.size == 0).await;
}

#[tokio::test]
async fn a_limit_of_zero_keeps_connections() {
    let database = Database::empty().await;
    let settings = [("DATABASE_IDLE_TIMEOUT", "0s"), ("DATABASE_MAX_LIFETIME", "0s")];
    let pool = database.pool_with(&settings);
    drop(pool.acquire().await.unwrap());
    database::becomes(&pool, |pool| pool.available == 1).await;
    pool.close_unused().await;
    assert_eq!(pool.status().available, 1);
}

#[tokio::test]
async fn a_statement_timeout_that_the_database_cannot_hold_is_refused() {
    let too_long = [("DATABASE_STATEMENT_TIMEOUT", "600h")];
    let output = Process::run(&["--print-config"], &too_long).await;
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8(output.stderr).unwrap().contains("DATABASE_STATEMENT_TIMEOUT"));
}

#[tokio::test]
async fn a_database_error_has_the_right_kind() {
    let database = Database::with_things().await;
    let pool = database.pool();
    let kind = async |sql: &'static str| {
        let error = sqlx::raw_sql(sql).execute(&pool).await.unwrap_err();
        let error = Error::from(error);
        // The message must not expose the schema.
        assert!(!error.to_string().contains("_things"), "{error}");
        Kind::from(&error)
    };
    sqlx::raw_sql("INSERT INTO _things VALUES (1, 'one', NULL)").execute(&pool).await.unwrap();
    assert_eq!(kind("INSERT INTO _things VALUES (1, 'two', NULL)").await, Kind::Conflict);
    assert_eq!(kind("INSERT INTO _things VALUES (2, 'one', NULL)").await, Kind::Conflict);
    assert_eq!(kind("INSERT INTO _things VALUES (2, 'two', 7)").await, Kind::Conflict);
    assert_eq!(kind("INSERT INTO _things VALUES (2, NULL, NULL)").await, Kind::Internal);
    assert_eq!(kind("SELECT nothing FROM _things").await, Kind::Internal);
    // A missing row is a bug of the service; a query that may find none uses `fetch_optional`.
    assert_eq!(Kind::from(&Error::from(sqlx::Error::RowNotFound)), Kind::Internal);
}

#[tokio::test]
async fn the_pool_has_metrics() {
    let service = Process::start(&[]).await;
    let url = format!("http://{}/metrics", service.metrics_addr);
    let measured = async {
        loop {
            let text = send(client().get(&url)).await.text().await.unwrap();
            let lines = [
                "database_connections_max 2",
                r#"database_connections{state="used"} 0"#,
                "database_acquire_timeouts_total 0",
            ];
            if lines.iter().all(|line| text.lines().any(|found| found == *line)) {
                return;
            }
        }
    };
    timeout(PATIENCE, measured).await.expect("the metrics of the pool are reported");
}

#[tokio::test]
async fn readiness_reports_the_database() {
    let app = TestApp::start().await;
    let ready = send(app.get("/health/ready")).await.text().await.unwrap();
    assert!(ready.contains(r#"{"name":"database","required":true,"status":"ok""#), "{ready}");
}

#[tokio::test]
async fn two_replicas_share_the_data() {
    let one = TestApp::start().await;
    let database = &one.settings.database;
    migrate::up(&THINGS, &database.options()).await.unwrap();
    let two = TestApp::with(&[("DATABASE_URL", database.url())]).await;
    let insert = "INSERT INTO _things VALUES (1, 'one', NULL)";
    sqlx::query(insert).execute(&one.state.db).await.unwrap();
    assert_eq!(send(two.get("/test/things")).await.text().await.unwrap(), "1");
}
