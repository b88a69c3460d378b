//! Outages of the database: the server is down, slow, or closes connections.

use std::{sync::Arc, time::Duration};

use sqlx::AssertSqlSafe;
use tokio::{io::AsyncReadExt, net::TcpListener, task::JoinHandle, time::timeout};

use crate::support::{
    PATIENCE, Process, TestApp,
    database::{self, Database, THINGS, postgres::proxy::Proxy},
    problem, send,
    service::{
        db::{Connection, Pool, startup::Schema},
        error::Error,
        http::problem::Kind,
    },
};

async fn recovers(app: &TestApp) {
    for path in ["/health/ready", "/test/things"] {
        becomes(app, path, 200).await;
    }
}

async fn becomes(app: &TestApp, path: &str, status: u16) {
    let wait = async { while send(app.get(path)).await.status() != status {} };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{path} is never {status}"));
}

#[tokio::test]
async fn without_the_database_the_service_is_not_ready_and_recovers_by_itself() {
    let database = Database::with_things().await;
    let proxy = Proxy::before(&database).await;
    let app = TestApp::with(&[("DATABASE_URL", &proxy.url)]).await;
    assert_eq!(send(app.get("/health/ready")).await.status(), 200);
    proxy.cut();
    becomes(&app, "/health/ready", 503).await;
    problem(app.get("/health/ready"), (503, "unavailable")).await;
    problem(app.get("/test/things"), (503, "unavailable")).await;
    assert_eq!(send(app.get("/health/live")).await.status(), 200);
    proxy.restore();
    recovers(&app).await;
}

#[tokio::test]
async fn the_service_starts_without_the_database_and_becomes_ready_later() {
    let database = Database::with_things().await;
    let proxy = Proxy::before(&database).await;
    proxy.cut();
    let app = TestApp::with(&[("DATABASE_URL", &proxy.url)]).await;
    problem(app.get("/health/ready"), (503, "unavailable")).await;
    assert_eq!(send(app.get("/health/live")).await.status(), 200);
    proxy.restore();
    recovers(&app).await;
}

/// A developer may start the service before the database.
#[tokio::test]
async fn migrations_are_applied_once_the_database_is_up() {
    let database = Database::empty().await;
    let proxy = Proxy::before(&database).await;
    proxy.cut();
    let settings = [("APP_ENV", "development"), ("DATABASE_URL", &proxy.url)];
    let app = TestApp::with(&settings).await;
    let (pool, migrating) = (app.state.db.clone(), Some(database.options()));
    let schema = Arc::new(Schema::new(pool, &THINGS, migrating, PATIENCE));
    schema.at_start(&app.state.background).await.unwrap();
    schema.clone().ready().await.unwrap_err();
    proxy.restore();
    let applied = async { while schema.clone().ready().await.is_err() {} };
    timeout(PATIENCE, applied).await.expect("the migrations are applied");
    recovers(&app).await;
}

#[tokio::test]
async fn an_idle_connection_is_tested_before_use() {
    let database = Database::with_things().await;
    let settings = [("DATABASE_URL", database.url()), ("DATABASE_TEST_AFTER_IDLE", "0s")];
    let app = TestApp::with(&settings).await;
    assert_eq!(send(app.get("/test/things")).await.status(), 200);
    let cut = "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let cut: i64 = sqlx::query_scalar(cut).fetch_one(&database.pool()).await.unwrap();
    assert!(cut > 0, "the service had a connection");
    assert_eq!(send(app.get("/test/things")).await.status(), 200);
}

async fn pid_of(connection: &mut Connection) -> sqlx::Result<i32> {
    sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection).await
}

async fn pid(connection: &mut Connection) -> i32 {
    pid_of(connection).await.unwrap()
}

/// A server that restarts closes all connections. After the first one is found dead, the older ones
/// are replaced, not tested one by one.
#[tokio::test]
async fn after_a_lost_connection_the_older_ones_are_replaced() {
    let app = TestApp::start().await;
    let (mut lost, mut older) =
        (app.state.db.acquire().await.unwrap(), app.state.db.acquire().await.unwrap());
    let before = pid(&mut older).await;
    let end = "SELECT pg_terminate_backend(pg_backend_pid())";
    let error = sqlx::query(end).execute(&mut *lost).await.unwrap_err();
    assert_eq!(Kind::from(&Error::from(error)), Kind::Unavailable);
    drop(older);
    let mut next = app.state.db.acquire().await.unwrap();
    assert_ne!(pid(&mut next).await, before);
}

/// Starts the service with two idle connections through the proxy.
async fn with_two_connections(settings: &[(&str, &str)], proxy: &Proxy) -> TestApp {
    let pool = [("DATABASE_URL", proxy.url.as_str()), ("DATABASE_MAX_CONNECTIONS", "2")];
    let app = TestApp::with(&[&pool[..], settings].concat()).await;
    drop([app.state.db.acquire().await.unwrap(), app.state.db.acquire().await.unwrap()]);
    database::becomes(&app.state.db, |pool| pool.available == 2).await;
    app
}

/// The server can vanish without closing its connections, for example in a power failure. TCP gives
/// up after 15 minutes.
#[tokio::test]
async fn connections_whose_server_has_vanished_do_not_stay_in_the_pool() {
    let database = Database::with_things().await;
    let proxy = Proxy::before(&database).await;
    let limits = [("DATABASE_STATEMENT_TIMEOUT", "1s"), ("DATABASE_ACQUIRE_TIMEOUT", "1s")];
    let app = with_two_connections(&limits, &proxy).await;
    proxy.lose_connections();
    let lost = [(); 2].map(|()| tokio::spawn(app.get("/test/things").send()));
    database::becomes(&app.state.db, |pool| pool.available == 0).await;
    // The clients leave.
    lost.iter().for_each(JoinHandle::abort);
    becomes(&app, "/test/things", 200).await;
}

#[tokio::test]
async fn an_idle_connection_whose_server_has_vanished_is_replaced_before_use() {
    let database = Database::with_things().await;
    let proxy = Proxy::before(&database).await;
    let app = with_two_connections(&[("DATABASE_TEST_AFTER_IDLE", "0s")], &proxy).await;
    proxy.lose_connections();
    for _ in 0..2 {
        assert_eq!(send(app.get("/test/things")).await.status(), 200);
    }
}

/// As after a failover: the old primary has become a replica, and keeps its connections. One test: such
/// a server casts doubt once in a while.
#[tokio::test]
async fn after_a_refused_write_the_older_connections_are_replaced() {
    let database = Database::with_things().await;
    let app = TestApp::with(&[("DATABASE_URL", database.url())]).await;
    let database = database.pool();
    // It is open before the change, and stays writable.
    let mut writable = database.acquire().await.unwrap();
    let mut alter = async |change: &str| {
        let alter = format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I {change}', current_database()); END $$"
        );
        sqlx::raw_sql(AssertSqlSafe(alter)).execute(&mut *writable).await.unwrap();
    };
    alter("SET default_transaction_read_only = on").await;
    let schema = with_probe(&app, PATIENCE).await;
    let (mut refused, mut older) =
        (app.state.db.acquire().await.unwrap(), app.state.db.acquire().await.unwrap());
    let before = pid(&mut older).await;
    let probe = probe_of(&database).await;
    alter("RESET default_transaction_read_only").await;

    // Connections of the pool may be older than the change.
    let read_only = "SET default_transaction_read_only = on";
    sqlx::query(read_only).execute(&mut *refused).await.unwrap();
    let write = "CREATE TABLE refused (id int)";
    let error = sqlx::query(write).execute(&mut *refused).await.unwrap_err();
    assert_eq!(Kind::from(&Error::from(error)), Kind::Unavailable);
    drop(older);
    let mut next = app.state.db.acquire().await.unwrap();
    assert_ne!(pid(&mut next).await, before);
    schema.clone().ready().await.unwrap();
    assert_ne!(probe_of(&database).await, probe);
}

/// PID of the connection of the health check.
async fn probe_of(database: &Pool) -> i32 {
    let probe = "SELECT max(pid) FROM pg_stat_activity WHERE datname = current_database()
        AND query LIKE 'SELECT current_setting%'";
    sqlx::query_scalar(probe).fetch_one(database).await.unwrap()
}

#[tokio::test]
async fn after_a_connection_that_was_cut_the_older_ones_are_replaced() {
    let database = Database::with_things().await;
    let proxy = Proxy::before(&database).await;
    let app = with_two_connections(&[], &proxy).await;
    let mut lost = app.state.db.acquire().await.unwrap();
    proxy.cut();
    pid_of(&mut lost).await.unwrap_err();
    proxy.restore();
    drop(lost);
    // The dead connection is closed.
    database::becomes(&app.state.db, |pool| pool.size <= 1).await;
    assert_eq!(send(app.get("/test/things")).await.status(), 200);
}

/// A schema whose health check has a connection open.
async fn with_probe(app: &TestApp, within: Duration) -> Arc<Schema> {
    let schema = Arc::new(Schema::new(app.state.db.clone(), &THINGS, None, within));
    for _ in 0..2 {
        schema.clone().ready().await.unwrap();
    }
    schema
}

#[tokio::test]
async fn a_probe_whose_server_has_vanished_connects_again_in_time() {
    let database = Database::with_things().await;
    let proxy = Proxy::before(&database).await;
    let app = TestApp::with(&[("DATABASE_URL", &proxy.url)]).await;
    let within = Duration::from_secs(2);
    let schema = with_probe(&app, within).await;
    proxy.lose_connections();
    timeout(within, schema.ready()).await.expect("it answers in time").unwrap();
}

#[tokio::test]
async fn the_server_cancels_a_statement_that_takes_too_long() {
    let app = TestApp::with(&[("DATABASE_STATEMENT_TIMEOUT", "50ms")]).await;
    let endless = sqlx::query("SELECT pg_sleep(3600)").execute(&app.state.db);
    let ended = timeout(PATIENCE, endless).await.expect("the statement is cancelled").unwrap_err();
    assert_eq!(Kind::from(&Error::from(ended)), Kind::TimedOut);
}

#[tokio::test]
async fn the_server_closes_a_connection_whose_transaction_is_idle() {
    let app = TestApp::with(&[("DATABASE_IDLE_IN_TRANSACTION_TIMEOUT", "50ms")]).await;
    let mut idle = app.state.db.acquire().await.unwrap();
    let lock = "SELECT pg_advisory_xact_lock(1)";
    // One message: its session is idle after the lock alone.
    let begin = "BEGIN; SELECT pg_advisory_xact_lock(1)";
    sqlx::raw_sql(begin).execute(&mut *idle).await.unwrap();
    let freed = sqlx::query(lock).execute(&app.state.db);
    timeout(PATIENCE, freed).await.expect("the lock is released").unwrap();
    let error = sqlx::query("SELECT 1").execute(&mut *idle).await.unwrap_err();
    assert_eq!(Kind::from(&Error::from(error)), Kind::Unavailable);
}

/// A connection pooler, such as `PgBouncer`, refuses connections with others, such as `options`.
#[tokio::test]
async fn a_connection_begins_with_parameters_that_pgbouncer_takes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("postgres://user:password@127.0.0.1:{port}/name?sslmode=disable");
    let start = async {
        let (mut client, _) = listener.accept().await.unwrap();
        let length = client.read_u32().await.unwrap() as usize;
        let mut message = vec![0; length - 4];
        client.read_exact(&mut message).await.unwrap();
        message
    };
    let connect = async {
        let _app = TestApp::with(&[("DATABASE_URL", &url)]).await;
        std::future::pending::<()>().await;
    };
    let message = tokio::select! {
        message = timeout(PATIENCE, start) => message.expect("the service connects"),
        () = connect => unreachable!(),
    };
    // After the version of the protocol: names and values, each of which ends with a zero.
    let texts: Vec<_> =
        message[4..].split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    let known =
        ["user", "database", "client_encoding", "DateStyle", "TimeZone", "application_name"];
    for name in texts.iter().step_by(2).filter(|name| !name.is_empty()) {
        assert!(known.contains(&name.as_ref()), "{name}");
    }
}

#[tokio::test]
async fn limits_that_the_server_cannot_keep_are_refused() {
    // PostgreSQL takes milliseconds in 32 bits, and 0 for no limit.
    for (name, value) in [
        ("DATABASE_IDLE_IN_TRANSACTION_TIMEOUT", "600h"),
        ("DATABASE_IDLE_IN_TRANSACTION_TIMEOUT", "0s"),
    ] {
        let output = Process::run(&["--print-config"], &[(name, value)]).await;
        assert_eq!(output.status.code(), Some(78), "{name}={value}");
        assert!(String::from_utf8(output.stderr).unwrap().contains(name));
    }
}

/// A misspelt `sslmode` would be ignored.
#[tokio::test]
async fn unknown_parameters_of_the_url_are_refused_by_name() {
    let run = async |query: &str| {
        let url = format!("postgres://ada:hunter2@localhost/name?{query}");
        let output = Process::run(&["--print-config"], &[("DATABASE_URL", &url)]).await;
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = run("sslmod=hunter3&sslrootcert=a&tcp_user_timeout=9").await;
    assert_eq!(code, Some(78));
    assert!(said.contains("`sslmod`") && said.contains("`tcp_user_timeout`"), "{said}");
    assert!(said.contains("sslmode"), "the known ones are listed: {said}");
    assert!(!said.contains("hunter"), "{said}");
    let known = "sslmode=disable&application_name=a&options[search_path]=a&options=-c%20b=c";
    assert_eq!(run(known).await.0, Some(0));
}
