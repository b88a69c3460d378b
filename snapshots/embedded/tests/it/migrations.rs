//! data.migrations: migrations are applied once, reverted in order, and required by the service.

use std::{process::Output, sync::Arc};

use futures_util::future::join_all;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::{
    PATIENCE, Process, TestApp,
    database::{Database, THINGS},
    send,
    service::{
        background::Background,
        db::{
            migrate::{self, Back, MIGRATIONS},
            startup::{Schema, SchemaError},
        },
    },
};

const THINGS_NAMES: [&str; 2] = ["29990101000000_create_things", "29990102000000_index_things"];

/// Checks the schema of `database` like a service that was built with the migrations `THINGS`.
async fn start(database: &Database, applies: bool) -> Result<(), SchemaError> {
    let migrating = applies.then(|| database.options());
    let schema = Arc::new(Schema::new(database.pool(), &THINGS, migrating, PATIENCE));
    schema.at_start(&Background::default()).await?;
    schema.ready().await.map_err(SchemaError::Unknown)
}

#[tokio::test]
async fn up_down_and_up_give_the_same_schema() {
    for migrations in [&THINGS, &MIGRATIONS] {
        let steps = migrations.iter().filter(|one| one.migration_type.is_down_migration()).count();
        let database = Database::empty().await;
        let empty = database.schema().await;
        assert_eq!(migrate::up(migrations, &database.options()).await.unwrap(), steps);
        let first = database.schema().await;
        let down = migrate::down(migrations, &database.options(), Back::To(0)).await.unwrap();
        assert_eq!(down, steps, "every migration can be reverted");
        assert_eq!(database.schema().await, empty);
        migrate::up(migrations, &database.options()).await.unwrap();
        assert_eq!(database.schema().await, first);
    }
}

#[tokio::test]
async fn the_newest_migration_is_reverted_first() {
    let database = Database::empty().await;
    migrate::up(&THINGS, &database.options()).await.unwrap();
    let one = migrate::down(&THINGS, &database.options(), Back::Steps(1)).await.unwrap();
    assert_eq!(one, 1);
    let behind = start(&database, false).await.unwrap_err();
    assert!(matches!(&behind, SchemaError::Behind(names) if *names == THINGS_NAMES[1..]));
}

/// Covers `CREATE INDEX CONCURRENTLY`, which waits for the transactions of all other sessions.
#[tokio::test(flavor = "multi_thread")]
async fn of_five_concurrent_tasks_one_migrates_and_the_others_wait() {
    let database = Database::empty().await;
    let mut five = JoinSet::new();
    for _ in 0..5 {
        let options = database.options();
        five.spawn(async move { migrate::up(&THINGS, &options).await.unwrap() });
    }
    let five = tokio::time::timeout(PATIENCE, five.join_all()).await.expect("every task ends");
    assert_eq!(five.iter().sum::<usize>(), 2);
    assert_eq!(five.iter().filter(|applied| **applied == 0).count(), 4);
}

#[tokio::test]
async fn of_five_concurrent_processes_one_migrates() {
    let database = Database::empty().await;
    let url = [("DATABASE_URL", database.url())];
    let runs = [(); 5].map(|()| Process::run(&["migrate"], &url));
    let applied = join_all(runs).await.iter().map(applied_count).collect::<Vec<_>>();
    let ups: Vec<_> =
        MIGRATIONS.iter().filter(|one| one.migration_type.is_up_migration()).collect();
    assert_eq!(applied.iter().sum::<usize>(), ups.len());
    assert!(applied.iter().filter(|applied| **applied == 0).count() >= 4, "{applied:?}");

    let status = Process::run(&["migrate", "status"], &url).await;
    let status = String::from_utf8(status.stdout).unwrap();
    let lines: Vec<_> = ups.iter().map(|one| format!("applied  {}", migrate::name(one))).collect();
    assert_eq!(status.lines().collect::<Vec<_>>(), lines);
}

/// Returns the number of applied migrations, from the last line of the log.
fn applied_count(migrate: &Output) -> usize {
    assert!(migrate.status.success(), "{migrate:?}");
    let log = std::str::from_utf8(&migrate.stdout).unwrap();
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    last["applied"].as_u64().unwrap().try_into().unwrap()
}

#[tokio::test]
async fn an_outdated_schema_is_refused() {
    let database = Database::empty().await;
    let behind = start(&database, false).await.unwrap_err();
    assert!(matches!(&behind, SchemaError::Behind(names) if *names == THINGS_NAMES));
    let said = behind.to_string();
    assert!(said.contains(concat!("`", env!("CARGO_PKG_NAME"), " migrate`")), "{said}");

    // The binary refuses as well, if it has migrations.
    if MIGRATIONS.iter().next().is_some() {
        let output = Process::run(&["serve"], &[("DATABASE_URL", database.url())]).await;
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        let names = MIGRATIONS.iter().map(migrate::name);
        assert!(names.into_iter().all(|name| said.contains(&name)), "{said}");
    }
}

#[tokio::test]
async fn in_development_the_service_migrates_at_start() {
    let database = Database::empty().await;
    start(&database, true).await.unwrap();
    start(&database, false).await.unwrap();

    let database = Database::empty().await;
    let settings = [("DATABASE_URL", database.url()), ("APP_ENV", "development")];
    let _service = Process::start(&settings).await;
    let up = migrate::up(&MIGRATIONS, &database.options()).await.unwrap();
    assert_eq!(up, 0, "no migration is pending");
}

#[tokio::test]
async fn a_migration_changed_after_it_was_applied_is_refused() {
    let database = Database::with_things().await;
    start(&database, false).await.unwrap();
    let changed = "UPDATE _sqlx_migrations SET checksum = $1 WHERE version = 29990101000000";
    sqlx::query(changed).bind(vec![0_u8]).execute(&database.pool()).await.unwrap();
    let refused = start(&database, false).await.unwrap_err();
    assert!(matches!(refused, SchemaError::Changed(29_990_101_000_000)));
}

/// The previous version runs during a rollout of the next one, and after a rollback.
#[tokio::test]
async fn a_newer_schema_is_served_and_not_reverted() {
    let database = Database::with_things().await;
    let app = TestApp::with(&[("DATABASE_URL", database.url())]).await;
    assert_eq!(send(app.get("/health/ready")).await.status(), 200);
    let before = database.schema().await;
    let down = Process::run(&["migrate", "down"], &[("DATABASE_URL", database.url())]).await;
    assert_eq!(down.status.code(), Some(1));
    assert_eq!(database.schema().await, before);
}

#[tokio::test]
async fn migrate_fails_if_the_database_does_not_answer() {
    let database = Database::new().await;
    let url = format!("{}/nowhere", database.url());
    let output = Process::run(&["migrate"], &[("DATABASE_URL", &url)]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stderr.is_empty());
}
