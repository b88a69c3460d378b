//! data.migrations: a migration does not hold up other sessions for long, and a failed one can run again.

use std::fs;

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, migrate::Migrator, raw_sql};
use tokio::time::timeout;
use uuid::Uuid;

use crate::support::{
    PATIENCE,
    database::Database,
    service::db::{ConnectOptions, Connection, migrate},
};

const KEY: &str =
    "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY things_part_of_key ON _things (part_of);";
const COLUMN: &str = "ALTER TABLE _things ADD COLUMN note TEXT";

/// Indexes of that name, each with whether it is valid.
const INDEXES: &str =
    "SELECT coalesce(string_agg(indexrelid::regclass || ' ' || indisvalid, ', ' ORDER BY 1), '')
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relname = 'things_part_of_key'";

/// A migration that is newer than all of the build and the tests.
async fn migration(up: &str) -> Migrator {
    let folder = std::env::temp_dir().join(format!("migrations_{}", Uuid::now_v7().simple()));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("29990103000000_last.up.sql"), up).unwrap();
    let migrator = Migrator::new(folder.as_path()).await.unwrap();
    fs::remove_dir_all(folder).unwrap();
    migrator
}

/// Two things, both parts of the first.
async fn things() -> Database {
    let database = Database::with_things().await;
    let rows = "INSERT INTO _things (id, name, part_of) VALUES (1, 'one', 1), (2, 'two', 1)";
    execute(&database, rows).await;
    database
}

async fn connect(database: &Database) -> Connection {
    database.options().connect().await.unwrap()
}

async fn execute(database: &Database, sql: &str) {
    raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connect(database).await).await.unwrap();
}

async fn text(database: &Database, query: &'static str) -> String {
    sqlx::query_scalar(query).fetch_one(&mut connect(database).await).await.unwrap()
}

/// With another limit of waits than the migrator's own.
fn impatient(database: &Database, limit: &str) -> ConnectOptions {
    database.options().options([("lock_timeout", limit)])
}

/// A session that has executed the statement, in a transaction that is open.
async fn holder(database: &Database, statement: &str) -> (Connection, i32) {
    let mut holder = database.options().application_name("holder").connect().await.unwrap();
    let begin = format!("BEGIN; {statement}");
    raw_sql(AssertSqlSafe(begin)).execute(&mut holder).await.unwrap();
    let pid = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut holder).await.unwrap();
    (holder, pid)
}

/// Waits until a session waits for a lock of the session `pid`, for a time that is longer than `than`.
async fn is_waited_for(database: &Database, pid: i32, than: &str) {
    let mut connection = connect(database).await;
    let waits = "SELECT count(*) > 0 FROM pg_stat_activity
        WHERE $1 = ANY(pg_blocking_pids(pid)) AND clock_timestamp() - query_start > $2::interval";
    let waiting = async {
        let mut waits = async || -> bool {
            let waits = sqlx::query_scalar(waits).bind(pid).bind(than);
            waits.fetch_one(&mut connection).await.unwrap()
        };
        while !waits().await {}
    };
    timeout(PATIENCE, waiting).await.expect("the migration waits");
}

#[tokio::test]
async fn an_index_that_cannot_be_created_leaves_nothing_behind() {
    let database = things().await;
    let key = migration(KEY).await;
    for _ in 0..2 {
        let error = migrate::up(&key, &database.options()).await.unwrap_err();
        assert!(error.to_string().contains("could not create unique index"), "{error}");
        assert_eq!(text(&database, INDEXES).await, "");
    }
    execute(&database, "UPDATE _things SET part_of = 2 WHERE id = 2").await;
    migrate::up(&key, &database.options()).await.unwrap();
    assert_eq!(text(&database, INDEXES).await, "things_part_of_key true");
}

/// As a migrator that was killed leaves it.
#[tokio::test]
async fn an_invalid_index_of_an_earlier_attempt_is_dropped() {
    let database = things().await;
    let mut connection = connect(&database).await;
    let statement = KEY.strip_prefix("-- no-transaction\n").unwrap();
    raw_sql(statement).execute(&mut connection).await.unwrap_err();
    // An index of that name on another table is not the migration's.
    raw_sql("CREATE SCHEMA other; CREATE TABLE other._things AS SELECT * FROM _things")
        .execute(&mut connection)
        .await
        .unwrap();
    let other = statement.replace("ON _things", "ON other._things");
    raw_sql(AssertSqlSafe(other)).execute(&mut connection).await.unwrap_err();
    execute(&database, "UPDATE _things SET part_of = 2 WHERE id = 2").await;
    migrate::up(&migration(KEY).await, &database.options()).await.unwrap();
    let left = text(&database, INDEXES).await;
    assert_eq!(left, "other.things_part_of_key false, things_part_of_key true");
}

/// As a migrator leaves it that was killed before the record.
#[tokio::test]
async fn an_index_that_was_built_before_is_recorded() {
    let database = things().await;
    execute(&database, "UPDATE _things SET part_of = 2 WHERE id = 2").await;
    execute(&database, KEY).await;
    let key = migration(KEY).await;
    assert_eq!(migrate::up(&key, &database.options()).await.unwrap(), 1);
    assert_eq!(migrate::up(&key, &database.options()).await.unwrap(), 0);
}

#[tokio::test]
async fn another_valid_index_is_never_dropped() {
    let database = things().await;
    execute(&database, "CREATE INDEX things_part_of_key ON _things (part_of)").await;
    let error = migrate::up(&migration(KEY).await, &database.options()).await.unwrap_err();
    assert!(error.to_string().contains("\"things_part_of_key\" already exists"), "{error}");
    assert_eq!(text(&database, INDEXES).await, "things_part_of_key true");
}

#[tokio::test]
async fn a_lock_that_is_not_released_is_named() {
    let database = things().await;
    let (holder, pid) = holder(&database, "SELECT * FROM _things").await;
    let column = migration(COLUMN).await;
    let error = migrate::up(&column, &impatient(&database, "500ms")).await.unwrap_err();
    let said = error.to_string();
    for part in
        ["6 attempts", &format!("PID {pid} (holder), idle in transaction"), "run this again"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("SELECT * FROM"), "{said}");
    holder.close().await.unwrap();
    migrate::up(&column, &database.options()).await.unwrap();
}

#[tokio::test]
async fn a_migration_tries_again_until_the_lock_is_released() {
    let database = things().await;
    let (holder, pid) = holder(&database, "SELECT * FROM _things").await;
    let options = impatient(&database, "100ms");
    let column = migration(COLUMN).await;
    let waiting = tokio::spawn(async move { migrate::up(&column, &options).await });
    is_waited_for(&database, pid, "0 ms").await;
    // Between two attempts, others can use the table.
    execute(&database, "UPDATE _things SET name = 'first' WHERE id = 1").await;
    holder.close().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
}

/// A comment is no statement.
#[tokio::test]
async fn a_migration_that_only_mentions_concurrently_waits_within_the_limit() {
    let database = things().await;
    let (_holder, pid) = holder(&database, "SELECT * FROM _things").await;
    let column = migration(&format!("-- CONCURRENTLY is for indexes.\n{COLUMN}")).await;
    let error = migrate::up(&column, &impatient(&database, "500ms")).await.unwrap_err();
    assert!(error.to_string().contains(&format!("PID {pid} (holder)")), "{error}");
}

#[tokio::test]
async fn a_statement_has_a_budget_of_time_within_a_transaction_alone() {
    let database = things().await;
    let limit =
        "CREATE TABLE budget AS SELECT current_setting('statement_timeout') AS of_statement";
    for (start, budget) in [("", "30s"), ("-- no-transaction\n", "0")] {
        let limit = migration(&format!("{start}{limit}")).await;
        migrate::up(&limit, &database.options()).await.unwrap();
        assert_eq!(text(&database, "SELECT of_statement FROM budget").await, budget);
        execute(&database, "DROP TABLE budget; DELETE FROM _sqlx_migrations").await;
    }
}

#[tokio::test]
async fn a_statement_over_its_budget_is_rolled_back_with_the_remedy() {
    let database = things().await;
    let long = format!("SET LOCAL statement_timeout = '50ms'; {COLUMN}; SELECT pg_sleep(600)");
    let error = migrate::up(&migration(&long).await, &database.options()).await.unwrap_err();
    let said = error.to_string();
    for part in ["due to statement timeout", "has 30s", "SET LOCAL statement_timeout"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let columns = "SELECT count(*)::text FROM information_schema.columns
        WHERE table_name = '_things' AND column_name = 'note'";
    assert_eq!(text(&database, columns).await, "0");
}

/// Otherwise its locks would block others until its statement ends.
#[tokio::test]
async fn a_migration_that_is_given_up_ends_in_the_database() {
    let database = things().await;
    let sleep = migration("LOCK TABLE _things; SELECT pg_sleep(600)").await;
    let options = database.options().application_name("given up");
    let running = tokio::spawn(async move { migrate::up(&sleep, &options).await });
    let mut connection = connect(&database).await;
    let sleeping = "SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'given up' AND wait_event = 'PgSleep'";
    let mut becomes = async |expected: i64| {
        let reached = async {
            while sqlx::query_scalar::<_, i64>(sleeping).fetch_one(&mut connection).await.unwrap()
                != expected
            {}
        };
        timeout(PATIENCE, reached).await.expect("in time");
    };
    becomes(1).await;
    running.abort();
    becomes(0).await;
}

/// It blocks no other session; a cancelled one leaves an invalid index.
#[tokio::test]
async fn an_index_that_is_created_concurrently_waits_without_a_limit() {
    let database = things().await;
    execute(&database, "UPDATE _things SET part_of = 2 WHERE id = 2").await;
    let (holder, pid) = holder(&database, "UPDATE _things SET name = 'x' WHERE id = 1").await;
    let options = impatient(&database, "50ms");
    let key = migration(KEY).await;
    let waiting = tokio::spawn(async move { migrate::up(&key, &options).await });
    is_waited_for(&database, pid, "500 ms").await;
    holder.close().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
    assert_eq!(text(&database, INDEXES).await, "things_part_of_key true");
}

#[tokio::test]
async fn other_errors_are_not_tried_again() {
    let database = things().await;
    let wrong = migration("ALTER TABLE nothing ADD COLUMN note TEXT").await;
    let error = migrate::up(&wrong, &impatient(&database, "50ms")).await.unwrap_err();
    assert!(error.to_string().contains("\"nothing\" does not exist"), "{error}");
}
