//! rel.shutdown: a signal ends a process that waits for another one's migrations.

use sqlx::{Connection as _, PgConnection};

use crate::support::{Run, database::Database, service::db::migrate};

/// A database without a schema, and a session that holds the lock of the migrations.
async fn locked() -> (Database, PgConnection) {
    let database = Database::empty().await;
    let mut session = PgConnection::connect(database.url()).await.unwrap();
    let lock = sqlx::query("SELECT pg_advisory_lock($1)");
    lock.bind(i64::from_be_bytes(*b"\0migrate")).execute(&mut session).await.unwrap();
    (database, session)
}

const WAITS: &str = "another process migrates this database; waiting";

#[tokio::test]
async fn a_signal_ends_a_start_that_waits() {
    for signal in ["TERM", "INT"] {
        let (database, _session) = locked().await;
        let settings = [("DATABASE_URL", database.url()), ("APP_ENV", "development")];
        let mut service = Run::start(&["serve"], &settings).await;
        service.logged(WAITS).await;
        service.signal(signal).await;
        assert_eq!(service.ended().await.0, Some(0), "{signal}");
    }
}

/// Also as the first process of a container, which the kernel ends only by signals that it handles.
#[tokio::test]
async fn a_signal_ends_migrate() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let (database, session) = locked().await;
        let mut command = Run::start(&["migrate"], &[("DATABASE_URL", database.url())]).await;
        command.logged(WAITS).await;
        command.signal(signal).await;
        assert_eq!(command.ended().await.0, Some(code), "{signal}");
        session.close().await.unwrap();
        migrate::up(&migrate::MIGRATIONS, &database.options()).await.unwrap();
    }
}
