//! Outages of the database: the file cannot be opened, or a write is blocked.

use futures_util::FutureExt;
use tokio::time::timeout;

use crate::support::{
    PATIENCE, Process, TestApp,
    database::Database,
    problem, send,
    service::{db, error::Error, http::problem::Kind},
};

#[tokio::test]
async fn the_service_starts_without_the_database_and_becomes_ready_later() {
    let database = Database::with_things().await;
    let (file, away) = (database.folder.join("test.db"), database.folder.join("away"));
    std::fs::rename(&file, &away).unwrap();
    std::fs::create_dir(&file).unwrap();
    let app = TestApp::with(&[("DATABASE_URL", database.url())]).await;
    problem(app.get("/health/ready"), (503, "unavailable")).await;
    problem(app.get("/test/things"), (503, "unavailable")).await;
    assert_eq!(send(app.get("/health/live")).await.status(), 200);
    std::fs::remove_dir(&file).unwrap();
    std::fs::rename(&away, &file).unwrap();
    let recovered = async { while send(app.get("/health/ready")).await.status() != 200 {} };
    timeout(PATIENCE, recovered).await.expect("the service recovers by itself");
    assert_eq!(send(app.get("/test/things")).await.status(), 200);
}

#[tokio::test]
async fn a_write_blocked_for_too_long_gives_503() {
    let database = Database::with_things().await;
    let settings = [("DATABASE_URL", database.url()), ("DATABASE_STATEMENT_TIMEOUT", "50ms")];
    let app = TestApp::with(&settings).await;
    let pool = &app.state.db;
    let insert = "INSERT INTO _things (name) VALUES ('one')";
    // Of a pool whose writes may wait.
    let patient = database.pool();
    let mut first = db::begin(&patient).await.unwrap();
    sqlx::query(insert).execute(&mut *first).await.unwrap();
    let busy = sqlx::query(insert).execute(pool).await.unwrap_err();
    assert_eq!(Kind::from(&Error::from(busy)), Kind::Unavailable);
}

#[tokio::test]
async fn a_write_whose_caller_left_before_it_began_does_not_block_others() {
    let database = Database::with_things().await;
    let pool = database.pool();
    let first = db::begin(&pool).await.unwrap();
    assert!(db::begin(&pool).now_or_never().is_none());
    drop(first);
    for _ in 0..3 {
        db::begin(&pool).await.unwrap().commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_cancelled() {
    let app = TestApp::with(&[("DATABASE_STATEMENT_TIMEOUT", "500ms")]).await;
    let endless = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT 1 FROM numbers)
        SELECT count(*) FROM numbers";
    // On a new connection, and on one that was used before.
    for _ in 0..2 {
        let endless = sqlx::query(endless).execute(&app.state.db);
        let ended = timeout(PATIENCE, endless).await.expect("the statement is cancelled");
        assert_eq!(Kind::from(&Error::from(ended.unwrap_err())), Kind::TimedOut);
        sqlx::query("SELECT 1").execute(&app.state.db).await.unwrap();
    }
}

#[tokio::test]
async fn unknown_parameters_of_the_url_are_refused_by_name() {
    let url = [("DATABASE_URL", "sqlite:name.db?mode=rwc&journal_mode=hunter2")];
    let output = Process::run(&["--print-config"], &url).await;
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("`journal_mode`") && said.contains("immutable"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn reads_and_a_write_do_not_block_each_other() {
    let database = Database::with_things().await;
    let pool = database.pool();
    let count = "SELECT count(*) FROM _things";
    let mut read = pool.begin().await.unwrap();
    let before: i64 = sqlx::query_scalar(count).fetch_one(&mut *read).await.unwrap();
    sqlx::query("INSERT INTO _things (name) VALUES ('one')").execute(&pool).await.unwrap();
    let after: i64 = sqlx::query_scalar(count).fetch_one(&mut *read).await.unwrap();
    assert_eq!((before, after), (0, 0), "a transaction reads its snapshot");
}

#[tokio::test]
async fn references_are_enforced() {
    let database = Database::with_things().await;
    let orphan = "INSERT INTO _things (name, part_of) VALUES ('one', 7)";
    let refused = sqlx::query(orphan).execute(&database.pool()).await.unwrap_err();
    assert_eq!(Kind::from(&Error::from(refused)), Kind::Conflict);
}
