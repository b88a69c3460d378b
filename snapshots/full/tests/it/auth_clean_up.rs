//! Expired sessions, and sign-ins that no longer count, are deleted.

use sqlx::AssertSqlSafe;
use tokio::{task::yield_now, time::timeout};

use crate::support::{PATIENCE, TestApp, database::Database, service::db::Pool};

const PAST: &str = "2020-01-01T00:00:00+00:00";
const FUTURE: &str = "2999-01-01T00:00:00+00:00";

async fn execute(pool: &Pool, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.unwrap();
}

/// Rows of sign-ins: so many from `first` on, whose addresses are known until `known`.
async fn attempts(pool: &Pool, first: u32, number: u32, known: &str) {
    let row = |n| format!("('{n:064}', 1, '{PAST}', {known})");
    let rows = (first..first + number).map(row).collect::<Vec<_>>().join(", ");
    let insert = "INSERT INTO auth_login_attempts (subject, made, last_at, known_until) VALUES";
    execute(pool, format!("{insert} {rows}")).await;
}

async fn becomes(pool: &Pool, table: &str, rows: i64) {
    let count = format!("SELECT count(*) FROM {table}");
    let count = || sqlx::query_scalar::<_, i64>(AssertSqlSafe(count.clone())).fetch_one(pool);
    let wait = async {
        while count().await.unwrap() != rows {
            yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{table} never has {rows} rows"));
}

/// Refuses statements that delete more rows of `table` than a batch has, also by a cascade.
async fn limit_batches(pool: &Pool, table: &str) {
    let limit = format!(
        "CREATE FUNCTION at_most_500() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF (SELECT count(*) FROM gone) > 500 THEN RAISE 'too many'; END IF; RETURN NULL; END $$;
        CREATE TRIGGER at_most_500 AFTER DELETE ON {table}
            REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION at_most_500()"
    );
    execute(pool, limit).await;
}

/// A session that was refreshed for months has more tokens than one statement can delete.
#[tokio::test]
async fn tokens_of_an_expired_session_are_deleted_in_batches() {
    let database = Database::new().await;
    let pool = database.pool();
    let id = |n: u32| format!("'00000000-0000-0000-0000-{n:012}'");
    let user = id(1);
    let insert = "INSERT INTO users (id, username, email, password_hash) VALUES";
    execute(&pool, format!("{insert} ({user}, 'ada', 'ada@example.com', '')")).await;
    for (session, expires) in [(id(1), PAST), (id(2), PAST), (id(3), FUTURE)] {
        let insert = "INSERT INTO auth_sessions (id, user_id, begun_at, expires_at) VALUES";
        execute(&pool, format!("{insert} ({session}, {user}, '{PAST}', '{expires}')")).await;
    }
    // The second session has none.
    for (session, first, number) in [(id(1), 0, 1200), (id(3), 5000, 7)] {
        let row = |n| format!("('{n:064}', {session}, '{PAST}', '{PAST}')");
        let rows = (first..first + number).map(row).collect::<Vec<_>>().join(", ");
        let insert =
            "INSERT INTO auth_refresh_tokens (hash, session_id, issued_at, spent_at) VALUES";
        execute(&pool, format!("{insert} {rows}")).await;
    }
    limit_batches(&pool, "auth_refresh_tokens").await;
    let _app = TestApp::with(&[("DATABASE_URL", database.url())]).await;
    becomes(&pool, "auth_sessions", 1).await;
    becomes(&pool, "auth_refresh_tokens", 7).await;
}

#[tokio::test]
async fn old_attempts_are_deleted_and_known_addresses_stay() {
    let database = Database::new().await;
    let pool = database.pool();
    attempts(&pool, 0, 700, &format!("'{FUTURE}'")).await;
    attempts(&pool, 1000, 1200, "NULL").await;
    attempts(&pool, 5000, 3, &format!("'{PAST}'")).await;
    limit_batches(&pool, "auth_login_attempts").await;
    let _app = TestApp::with(&[("DATABASE_URL", database.url())]).await;
    becomes(&pool, "auth_login_attempts", 700).await;
}

/// To this replica, whose clock is two days ahead of that of the database, more rows are old.
#[tokio::test]
async fn a_clean_up_goes_by_the_clock_of_the_database() {
    let database = Database::new().await;
    let pool = database.pool();
    let rows = "CREATE SCHEMA behind;
        CREATE FUNCTION behind.now() RETURNS timestamptz LANGUAGE sql STABLE
            AS $$ SELECT pg_catalog.now() - interval '2 days' $$;
        INSERT INTO users (id, username, email, password_hash)
            VALUES (gen_random_uuid(), 'ada', 'ada@example.com', '');
        INSERT INTO auth_sessions (id, user_id, begun_at, expires_at)
            SELECT gen_random_uuid(), id, now(), now() - days * interval '1 day'
            FROM users, generate_series(1, 3, 2) AS days;
        INSERT INTO auth_login_attempts (subject, made, last_at)
            SELECT lpad(days::text, 64, '0'), 1, now() - days * interval '1 day'
            FROM generate_series(1, 3, 2) AS days";
    execute(&pool, rows.to_owned()).await;
    let url = format!("{}?options[search_path]=behind,pg_catalog,public", database.url());
    let _app = TestApp::with(&[("DATABASE_URL", &url)]).await;
    for table in ["auth_sessions", "auth_login_attempts"] {
        becomes(&pool, table, 1).await;
    }
}

/// Two transactions that wait for each other's rows would end one of them, and lose its count.
#[tokio::test]
async fn a_clean_up_waits_for_no_row_that_is_in_use() {
    let database = Database::new().await;
    let pool = database.pool();
    attempts(&pool, 0, 10, "NULL").await;
    let mut counting = pool.begin().await.unwrap();
    let count = format!("UPDATE auth_login_attempts SET made = 2 WHERE subject = '{:064}'", 5);
    sqlx::raw_sql(AssertSqlSafe(count)).execute(&mut *counting).await.unwrap();
    let _app = TestApp::with(&[("DATABASE_URL", database.url())]).await;
    becomes(&pool, "auth_login_attempts", 1).await;
    counting.commit().await.unwrap();
}
