//! perf.pool: a bounded pool that is never waited for in vain, and errors that say whose they are.

use std::time::Duration;

use tokio::time::timeout;

use crate::support::{
    PATIENCE, Process, TestApp, client,
    database::{Database, THINGS},
    problem, send,
    service::{db::migrate, error::AppError},
};

#[tokio::test]
async fn a_pool_that_is_used_up_is_a_503_and_recovers() {
    let database = Database::with_things().await;
    // Without the second, the request would wait for half an hour: longer than any test.
    let settings = [("DATABASE_URL", database.url()), ("DATABASE_ACQUIRE_TIMEOUT", "50ms")];
    let app = TestApp::with(&settings).await;
    let held = [app.state.db.acquire().await.unwrap(), app.state.db.acquire().await.unwrap()];
    problem(app.get("/test/things"), 503).await;
    // Busy is not down: to be taken out of service would make it worse for the others.
    assert_eq!(send(app.get("/health/ready")).await.status(), 200);
    drop(held);
    let free = async { while send(app.get("/test/things")).await.status() != 200 {} };
    timeout(PATIENCE, free).await.expect("the connections come back");
}

#[tokio::test]
async fn connections_are_few_and_do_not_grow_old() {
    let settings = [
        ("DATABASE_MAX_CONNECTIONS", "7"),
        ("DATABASE_ACQUIRE_TIMEOUT", "4s"),
        ("DATABASE_IDLE_TIMEOUT", "5m"),
        ("DATABASE_MAX_LIFETIME", "20m"),
    ];
    let app = TestApp::with(&settings).await;
    let pool = app.state.db.options();
    assert_eq!(pool.get_max_connections(), 7);
    assert_eq!(pool.get_acquire_timeout(), Duration::from_secs(4));
    assert_eq!(pool.get_idle_timeout(), Some(Duration::from_mins(5)));
    assert_eq!(pool.get_max_lifetime(), Some(Duration::from_mins(20)));
}

#[tokio::test]
async fn an_error_of_the_database_says_whose_it_is() {
    let database = Database::with_things().await;
    let pool = database.pool();
    let status = async |sql: &'static str| {
        let error = sqlx::raw_sql(sql).execute(&pool).await.unwrap_err();
        let error = AppError::from(error);
        // A constraint, a table or a statement is nobody's business.
        let status = error.status().as_u16();
        assert!(!error.to_string().contains("things"), "{error}");
        status
    };
    sqlx::raw_sql("INSERT INTO things VALUES (1, 'one', NULL)").execute(&pool).await.unwrap();
    assert_eq!(status("INSERT INTO things VALUES (1, 'two', NULL)").await, 409);
    assert_eq!(status("INSERT INTO things VALUES (2, 'one', NULL)").await, 409);
    assert_eq!(status("INSERT INTO things VALUES (2, 'two', 7)").await, 409);
    assert_eq!(status("INSERT INTO things VALUES (2, NULL, NULL)").await, 500);
    assert_eq!(status("SELECT nothing FROM things").await, 500);
    // Whoever expected a row has a fault; whoever asked for one uses `fetch_optional`.
    assert_eq!(AppError::from(sqlx::Error::RowNotFound).status(), 500);
}

#[tokio::test]
async fn the_pool_is_measured() {
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
    timeout(PATIENCE, measured).await.expect("the pool is measured");
}

#[tokio::test]
async fn it_is_part_of_the_health() {
    let app = TestApp::start().await;
    let ready = send(app.get("/health/ready")).await.text().await.unwrap();
    assert!(ready.contains(r#"{"name":"database","required":true,"status":"ok""#), "{ready}");
}

#[tokio::test]
async fn two_replicas_see_the_same() {
    let one = TestApp::start().await;
    let database = &one.settings.database;
    migrate::up(&THINGS, &database.options()).await.unwrap();
    let two = TestApp::with(&[("DATABASE_URL", database.url())]).await;
    let insert = "INSERT INTO things VALUES (1, 'one', NULL)";
    sqlx::query(insert).execute(&one.state.db).await.unwrap();
    assert_eq!(send(two.get("/test/things")).await.text().await.unwrap(), "1");
}
