//! perf.pool: connections are few, and nobody waits for one for long.

use reqwest::StatusCode;
use sqlx::Connection as _;

use crate::support::{TestApp, json, send, service::error::AppError};

#[tokio::test]
async fn readiness_asks_the_database() {
    let app = TestApp::start().await;
    let ready = json(app.get("/health/ready")).await;
    let components = ready["components"].as_array().unwrap();
    let database = components.iter().find(|one| one["name"] == "database").unwrap();
    assert_eq!((&database["required"], &database["status"]), (&true.into(), &"ok".into()));
}

#[tokio::test]
async fn who_gets_no_connection_in_time_gets_503() {
    let settings = [("DATABASE_MAX_CONNECTIONS", "1"), ("DATABASE_ACQUIRE_TIMEOUT", "50ms")];
    let app = TestApp::with(&settings).await;
    let held = app.state.db.acquire().await.unwrap();
    let refused = AppError::from(app.state.db.acquire().await.unwrap_err());
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    // Busy is not down: to be taken out of service would make it worse for the others.
    assert_eq!(send(app.get("/health/ready")).await.status(), StatusCode::OK);
    drop(held);
    app.state.db.acquire().await.unwrap().ping().await.unwrap();
}

#[tokio::test]
async fn what_the_data_refuses_is_a_conflict_and_no_failure() {
    let app = TestApp::start().await;
    let mut connection = app.state.db.acquire().await.unwrap();
    let mut error = async |statement: &'static str| {
        let outcome = sqlx::raw_sql(statement).execute(&mut *connection).await;
        outcome.map_err(|error| AppError::from(error).status())
    };
    let statements = "CREATE TABLE a (id INTEGER PRIMARY KEY);
        CREATE TABLE b (a_id INTEGER REFERENCES a (id));
        INSERT INTO a (id) VALUES (1);";
    error(statements).await.unwrap();
    for (statement, status) in [
        ("INSERT INTO a (id) VALUES (1)", StatusCode::CONFLICT),
        ("INSERT INTO b (a_id) VALUES (2)", StatusCode::CONFLICT),
        ("SELECT nothing FROM nowhere", StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        assert_eq!(error(statement).await.unwrap_err(), status, "{statement}");
    }
}

#[tokio::test]
async fn two_replicas_see_the_same() {
    let one = TestApp::start().await;
    let two = TestApp::with(&[("DATABASE_URL", one.settings.database.url())]).await;
    sqlx::raw_sql("CREATE TABLE a (id INTEGER)").execute(&one.state.db).await.unwrap();
    sqlx::raw_sql("INSERT INTO a (id) VALUES (7)").execute(&one.state.db).await.unwrap();
    let seen = sqlx::query_scalar::<_, i32>("SELECT id FROM a").fetch_one(&two.state.db).await;
    assert_eq!(seen.unwrap(), 7);
}

#[tokio::test]
async fn the_pool_is_measured() {
    let app = TestApp::start().await;
    let wait = async {
        while !app.state.metrics.render().contains("database_connections_max") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, wait)
        .await
        .expect("it is measured at the start");
}
