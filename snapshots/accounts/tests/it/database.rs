//! perf.pool: connections are few, and nobody waits for one for long.

use std::process::Output;

use futures_util::future::join_all;
use reqwest::StatusCode;
use sqlx::Connection as _;

use crate::support::{Process, TestApp, database::Database, json, send, service::error::AppError};

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

/// How many migrations there are.
const MIGRATIONS: usize = 4;

async fn run(database: &Database, args: &[&str]) -> Output {
    Process::run(args, &[("DATABASE_URL", database.url())]).await
}

fn told(output: &Output) -> &str {
    assert!(output.status.success(), "{output:?}");
    std::str::from_utf8(&output.stdout).unwrap()
}

#[tokio::test]
async fn of_five_who_migrate_at_once_one_does_it() {
    let database = Database::empty().await;
    let outputs = join_all((0..5).map(|_| run(&database, &["migrate"]))).await;
    let all = format!("applied: {MIGRATIONS}\n");
    let by_one = outputs.iter().filter(|output| told(output) == all).count();
    let by_others = outputs.iter().filter(|output| told(output).starts_with("nothing")).count();
    assert_eq!((by_one, by_others), (1, 4));
}

#[tokio::test]
async fn migrations_can_be_taken_back_and_applied_again() {
    let database = Database::empty().await;
    let states = async |state: &str| {
        let status = run(&database, &["migrate", "status"]).await;
        told(&status).lines().filter(|line| line.starts_with(state)).count()
    };
    for _ in 0..2 {
        told(&run(&database, &["migrate"]).await);
        assert_eq!(states("applied").await, MIGRATIONS);
        told(&run(&database, &["migrate", "down"]).await);
        assert_eq!((states("applied").await, states("pending").await), (MIGRATIONS - 1, 1));
        let steps = MIGRATIONS.to_string();
        told(&run(&database, &["migrate", "down", "--steps", &steps]).await);
        assert_eq!(states("pending").await, MIGRATIONS);
    }
}

#[tokio::test]
async fn it_does_not_serve_on_a_schema_that_is_behind() {
    let database = Database::empty().await;
    let output = run(&database, &["serve"]).await;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the schema is behind") && said.contains("migrate"), "{said}");
}

#[tokio::test]
async fn in_development_the_schema_is_brought_up_to_date() {
    let database = Database::empty().await;
    let settings = [("APP_ENV", "development"), ("DATABASE_URL", database.url())];
    let service = Process::start(&settings).await;
    assert_eq!(send(service.get("/health/ready")).await.status(), StatusCode::OK);
    let status = run(&database, &["migrate", "status"]).await;
    assert_eq!(told(&status).matches("applied").count(), MIGRATIONS);
}
