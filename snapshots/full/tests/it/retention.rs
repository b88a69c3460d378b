//! Retention: old rows are deleted in batches, by one replica at a time. A row that another one refers to is kept.

use chrono::{TimeDelta, Utc};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use tokio::{task::yield_now, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    resources,
    support::{
        PATIENCE, Process, TestApp, json as read, problem,
        resources::Api,
        service::{
            api::retention::{self, Run},
            background::Background,
            db,
        },
    },
};

/// What a run does with the rows of a resource.
async fn run(app: &TestApp, resource: &str) -> Run {
    run_until(app, resource, &Background::default().stopping()).await
}

async fn run_until(app: &TestApp, resource: &str, stopping: &CancellationToken) -> Run {
    let runs = retention::run(&app.state.db, &app.state.cache, stopping);
    let runs = timeout(PATIENCE, runs).await.expect("it ends");
    runs.into_iter().find(|run| run.resource == resource).expect("it has a retention")
}

async fn execute(app: &TestApp, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&app.state.db).await.unwrap();
}

/// The ID of a row as SQL has it.
fn sql_id(row: &Value) -> String {
    format!("'{}'", row["id"].as_str().unwrap())
}

/// Makes a row as old as that.
async fn age(app: &TestApp, table: &str, row: &Value, age: TimeDelta) {
    let created_at = (Utc::now() - age).to_rfc3339();
    execute(
        app,
        format!("UPDATE {table} SET created_at = '{created_at}' WHERE id = {}", sql_id(row)),
    )
    .await;
}

#[tokio::test]
async fn old_orders_are_deleted_and_younger_ones_are_kept() {
    let api = Api::start().await;
    let [old, young] = [resources::orders::one(&api).await, resources::orders::one(&api).await];
    let at = |row: &Value| format!("/api/v1/orders/{}", row["id"].as_str().unwrap());
    let retain = TimeDelta::days(365);
    for (row, more) in [(&old, TimeDelta::minutes(1)), (&young, TimeDelta::minutes(-10))] {
        read(api.get(&at(row))).await;
        age(&api, "orders", row, retain + more).await;
    }
    let done = run(&api, "orders").await;
    assert_eq!((done.deleted, done.referenced), (1, 0));
    problem(api.get(&at(&old)), 404).await;
    read(api.get(&at(&young))).await;
    let done = run(&api, "orders").await;
    assert_eq!((done.deleted, done.referenced), (0, 0));
}

/// A table that the template does not know may refer to a row: the others are deleted.
#[tokio::test]
async fn a_reference_from_a_table_of_your_own_keeps_its_row_alone() {
    let api = Api::start().await;
    let mut rows = Vec::new();
    for _ in 0..3 {
        let row = resources::orders::one(&api).await;
        age(&api, "orders", &row, TimeDelta::days(366)).await;
        rows.push(row);
    }
    let refer = format!(
        "CREATE TABLE own_notes (row_id UUID REFERENCES orders (id) ON DELETE RESTRICT);
        INSERT INTO own_notes VALUES ({})",
        sql_id(&rows[1]),
    );
    execute(&api, refer).await;
    let done = run(&api, "orders").await;
    assert_eq!((done.deleted, done.referenced), (2, 1));
    execute(&api, "DELETE FROM own_notes".to_owned()).await;
    let done = run(&api, "orders").await;
    assert_eq!((done.deleted, done.referenced), (1, 0));
}

/// One row, and so many copies of it; all are old.
async fn old_rows(api: &Api, copies: u32) {
    let row = resources::orders::one(api).await;
    age(api, "orders", &row, TimeDelta::days(366)).await;
    let copy = format!(
        "INSERT INTO orders (id, owner_id, product_id, status, quantity, placed_at, contact, gift, created_at)
        SELECT gen_random_uuid(), owner_id, product_id, status, quantity, placed_at, contact, gift, created_at
        FROM orders, generate_series(1, {copies})"
    );
    execute(api, copy).await;
}

#[tokio::test]
async fn more_rows_than_a_batch_are_deleted_in_batches() {
    let api = Api::start().await;
    old_rows(&api, 1200).await;
    let limit = "CREATE FUNCTION at_most_500() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF (SELECT count(*) FROM gone) > 500 THEN RAISE 'too many'; END IF; RETURN NULL; END $$;
        CREATE TRIGGER at_most_500 AFTER DELETE ON orders
            REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION at_most_500()";
    execute(&api, limit.to_owned()).await;
    let done = run(&api, "orders").await;
    assert_eq!((done.deleted, done.referenced), (1201, 0));
}

#[tokio::test]
async fn a_run_ends_between_two_batches_when_the_service_stops() {
    let api = Api::start().await;
    old_rows(&api, 1200).await;
    let wait = "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock(4); RETURN NULL; END $$;
        CREATE TRIGGER wait AFTER DELETE ON orders
            FOR EACH STATEMENT EXECUTE FUNCTION wait()";
    execute(&api, wait.to_owned()).await;
    let mut lock = db::begin(&api.state.db).await.unwrap();
    sqlx::raw_sql("SELECT pg_advisory_xact_lock(4)").execute(&mut *lock).await.unwrap();
    let stopping = Background::default().stopping();
    let stop = async {
        let waits =
            "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
            WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted)";
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut *lock).await.unwrap() {
            yield_now().await;
        }
        stopping.cancel();
        lock.commit().await.unwrap();
    };
    let (done, ()) = tokio::join!(run_until(&api, "orders", &stopping), stop);
    assert_eq!(done.deleted, 500);
}

/// Whichever of them deletes a batch, each row is deleted once, and neither fails.
#[tokio::test]
async fn two_replicas_delete_every_row_once() {
    let api = Api::start().await;
    old_rows(&api, 1200).await;
    let (one, other) = tokio::join!(run(&api, "orders"), run(&api, "orders"));
    assert_eq!(one.deleted + other.deleted, 1201);
}

#[tokio::test]
async fn a_row_in_use_is_left_to_the_next_run() {
    let api = Api::start().await;
    let [used, other] = [resources::orders::one(&api).await, resources::orders::one(&api).await];
    for row in [&used, &other] {
        age(&api, "orders", row, TimeDelta::days(366)).await;
    }
    let mut transaction = db::begin(&api.state.db).await.unwrap();
    let lock = format!("SELECT id FROM orders WHERE id = {} FOR NO KEY UPDATE", sql_id(&used));
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *transaction).await.unwrap();
    assert_eq!(run(&api, "orders").await.deleted, 1);
    transaction.commit().await.unwrap();
    assert_eq!(run(&api, "orders").await.deleted, 1);
}

#[tokio::test]
async fn while_another_replica_deletes_rows_a_run_does_nothing() {
    let api = Api::start().await;
    let row = resources::orders::one(&api).await;
    age(&api, "orders", &row, TimeDelta::days(366)).await;
    let other = db::begin_alone(&api.state.db, "retention_orders").await.unwrap();
    assert_eq!(run(&api, "orders").await.deleted, 0);
    drop(other);
    let gone = async { while run(&api, "orders").await.deleted == 0 {} };
    timeout(PATIENCE, gone).await.expect("the next run deletes it");
}

#[tokio::test]
async fn a_fault_ends_a_run_is_counted_and_leaves_the_rows_to_the_next_one() {
    let api = Api::start().await;
    let row = resources::orders::one(&api).await;
    age(&api, "orders", &row, TimeDelta::days(366)).await;
    let settings = [("DATABASE_URL", api.settings.database.url()), ("RETENTION_INTERVAL", "1h")];
    let counted = async |service: &Process, metric: &str| {
        let counted = async { while service.metric(metric).await == 0 {} };
        timeout(PATIENCE, counted).await.expect("it is counted");
    };
    execute(&api, "ALTER TABLE orders RENAME TO away".to_owned()).await;
    let service = Process::start(&settings).await;
    counted(&service, "retention_failures_total").await;
    execute(&api, "ALTER TABLE away RENAME TO orders".to_owned()).await;
    let service = Process::start(&settings).await;
    counted(&service, "retention_rows_total").await;
    assert_eq!(service.metric("retention_failures_total").await, 0);
}

#[tokio::test]
async fn the_service_begins_with_a_run_unless_the_interval_is_zero() {
    let api = Api::start().await;
    let row = resources::orders::one(&api).await;
    age(&api, "orders", &row, TimeDelta::days(366)).await;
    let url = api.settings.database.url();
    let replica = TestApp::with(&[("DATABASE_URL", url), ("RETENTION_INTERVAL", "0s")]).await;
    let count = "SELECT count(*) FROM orders";
    let count = || sqlx::query_scalar::<_, i64>(count).fetch_one(&replica.state.db);
    assert_eq!(count().await.unwrap(), 1);
    let _replica = TestApp::with(&[("DATABASE_URL", url), ("RETENTION_INTERVAL", "1h")]).await;
    let gone = async {
        while count().await.unwrap() > 0 {
            yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("the row is deleted");
}
