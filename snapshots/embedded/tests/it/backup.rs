//! data.backup, data.restore: a backup is one moment of the database, and comes back as it was.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use sqlx::{AssertSqlSafe, ConnectOptions as _, query_scalar, raw_sql};

use crate::support::{
    Process,
    database::Database,
    service::db::{Pool, backup},
};

/// A database with pairs of rows, and a folder for its backup.
async fn pairs() -> (Database, Pool, PathBuf) {
    let database = Database::empty().await;
    let pool = database.pool();
    let options = database.options().create_if_missing(true);
    raw_sql("CREATE TABLE pairs (id BLOB, note TEXT)")
        .execute(&mut options.connect().await.unwrap())
        .await
        .unwrap();
    for _ in 0..100 {
        pair(&pool).await;
    }
    let folder = database.folder.join("backup");
    fs::create_dir(&folder).unwrap();
    (database, pool, folder)
}

/// Writes two rows in one transaction.
async fn pair(pool: &Pool) {
    raw_sql(
        "BEGIN IMMEDIATE; INSERT INTO pairs VALUES (randomblob(100), 'a'); \
        INSERT INTO pairs VALUES (randomblob(100), 'b' || char(0) || hex(randomblob(8))); COMMIT",
    )
    .execute(pool)
    .await
    .unwrap();
}

async fn count(pool: &Pool, note: &str) -> i64 {
    query_scalar("SELECT count(*) FROM pairs WHERE note GLOB ?")
        .bind(note)
        .fetch_one(pool)
        .await
        .unwrap()
}

fn file(database: &Database) -> PathBuf {
    database.folder.join("test.db")
}

/// Names in the folder of the database.
fn names(database: &Database) -> Vec<String> {
    let files = fs::read_dir(&database.folder).unwrap();
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_one_moment_while_writes_go_on() {
    let (database, pool, folder) = pairs().await;
    let writing = tokio::spawn({
        let pool = pool.clone();
        async move {
            loop {
                pair(&pool).await;
            }
        }
    });
    backup::create(&file(&database), &folder).await.unwrap();
    assert!(!writing.is_finished(), "no write fails");
    writing.abort();
    let _ = writing.await;
    pool.close().await;

    assert!(backup::compare(&folder).await.unwrap().contains("1 tables equal"));
    backup::restore(&file(&database), &folder).await.unwrap();
    let pool = database.pool();
    assert!(count(&pool, "a").await >= 100);
    assert_eq!(count(&pool, "a").await, count(&pool, "b*").await);
}

#[tokio::test]
async fn a_backup_is_private_and_never_overwrites_another() {
    let (database, _pool, folder) = pairs().await;
    backup::create(&file(&database), &folder).await.unwrap();
    let copy = folder.join("database.dump");
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&copy).unwrap();
    let error = backup::create(&file(&database), &folder).await.unwrap_err().to_string();
    assert!(error.contains("exists already"), "{error}");
    assert_eq!(fs::read(&copy).unwrap(), before);
}

#[tokio::test]
async fn a_failed_backup_leaves_nothing() {
    let (database, _pool, folder) = pairs().await;
    // Of one that was killed, or whose disk was full.
    fs::write(folder.join("database.new-journal"), "left").unwrap();
    let missing = database.folder.join("missing.db");
    backup::create(&missing, &folder).await.unwrap_err();
    assert!(!missing.exists());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    // The first page of a table: SQLite says so when it is read.
    let damaged = database.folder.join("damaged.db");
    backup::create(&file(&database), &folder).await.unwrap();
    let mut bytes = fs::read(folder.join("database.dump")).unwrap();
    bytes[4096..4196].fill(0xff);
    fs::write(&damaged, bytes).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    backup::create(&damaged, &folder).await.unwrap_err();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[tokio::test]
async fn a_restored_row_is_back_and_the_former_file_stays() {
    let (database, pool, folder) = pairs().await;
    backup::create(&file(&database), &folder).await.unwrap();
    raw_sql("DELETE FROM pairs WHERE note <> 'a'; CREATE TABLE later (id)")
        .execute(&pool)
        .await
        .unwrap();
    let error = backup::restore(&file(&database), &folder).await.unwrap_err().to_string();
    assert!(error.contains("stop the service"), "{error}");
    pool.close().await;

    let said = backup::restore(&file(&database), &folder).await.unwrap();
    let former = said.lines().find_map(|line| line.strip_prefix("the data before: ")).unwrap();
    let pool = database.pool();
    assert_eq!(count(&pool, "b*").await, 100);
    pool.close().await;
    let mut options = database.options().filename(former).connect().await.unwrap();
    let left: i64 =
        query_scalar("SELECT count(*) FROM pairs").fetch_one(&mut options).await.unwrap();
    assert_eq!(left, 100);
}

#[tokio::test]
async fn a_log_is_not_left_beside_a_restored_file() {
    let (database, pool, folder) = pairs().await;
    backup::create(&file(&database), &folder).await.unwrap();
    let log = database.folder.join("test.db-wal");
    let stale = fs::read(&log).unwrap();
    pool.close().await;
    // As after a crash of the disk, which leaves the log.
    fs::remove_file(file(&database)).unwrap();
    fs::write(&log, stale).unwrap();
    backup::restore(&file(&database), &folder).await.unwrap();
    assert!(!log.exists());
    let kept = |name: &String| name.contains(".before-") && name.ends_with("-wal");
    assert!(names(&database).iter().any(kept));
    assert_eq!(count(&database.pool(), "*").await, 200);
}

#[tokio::test]
async fn a_damaged_file_is_replaced() {
    let (database, pool, folder) = pairs().await;
    backup::create(&file(&database), &folder).await.unwrap();
    pool.close().await;
    fs::write(file(&database), "damaged").unwrap();
    backup::restore(&file(&database), &folder).await.unwrap();
    assert_eq!(count(&database.pool(), "*").await, 200);
}

#[tokio::test]
async fn a_backup_that_differs_from_its_figures_is_not_restored() {
    let (database, pool, folder) = pairs().await;
    backup::create(&file(&database), &folder).await.unwrap();
    pool.close().await;
    let sound = fs::read(folder.join("database.dump")).unwrap();
    let before = fs::read(file(&database)).unwrap();
    for change in [
        "DELETE FROM pairs WHERE rowid = 7",
        "UPDATE pairs SET note = note || 'x' WHERE rowid = 8",
        "UPDATE pairs SET note = CAST(note AS BLOB) WHERE rowid = 9",
        "CREATE INDEX later ON pairs (note)",
    ] {
        let options = database.options().filename(folder.join("database.dump"));
        let mut connection = options.connect().await.unwrap();
        raw_sql(AssertSqlSafe(format!("PRAGMA journal_mode = DELETE; {change}")))
            .execute(&mut connection)
            .await
            .unwrap();
        sqlx::Connection::close(connection).await.unwrap();
        let error = backup::restore(&file(&database), &folder).await.unwrap_err().to_string();
        assert!(error.contains("differs from the figures"), "{change}: {error}");
        fs::write(folder.join("database.dump"), &sound).unwrap();
    }
    assert_eq!(fs::read(file(&database)).unwrap(), before);
    assert!(
        !names(&database)
            .iter()
            .any(|name| name.contains(".before-") || name.contains(".restored"))
    );
    backup::restore(&file(&database), &folder).await.unwrap();
}

#[tokio::test]
async fn a_backup_names_the_creation_of_its_database() {
    let (database, pool, folder) = pairs().await;
    backup::create(&file(&database), &folder).await.unwrap();
    assert_eq!(fs::read_to_string(folder.join("created")).unwrap(), "");
    raw_sql(
        "CREATE TABLE _sqlx_migrations (version INTEGER, installed_on TIMESTAMP);
        INSERT INTO _sqlx_migrations VALUES (2, '2026-12-01 11:00:00'), (1, '2026-12-01 10:42:00')",
    )
    .execute(&pool)
    .await
    .unwrap();
    fs::remove_file(folder.join("database.dump")).unwrap();
    backup::create(&file(&database), &folder).await.unwrap();
    assert_eq!(fs::read_to_string(folder.join("created")).unwrap(), "2026-12-01 10:42:00");
}

#[tokio::test]
async fn a_backup_is_restored_into_a_new_folder_by_one_process_at_a_time() {
    let (database, _pool, folder) = pairs().await;
    backup::create(&file(&database), &folder).await.unwrap();
    let new = database.folder.join("new").join("test.db");
    backup::restore(&new, &folder).await.unwrap();
    let other = fs::File::open(new.parent().unwrap()).unwrap();
    other.lock().unwrap();
    let error = backup::restore(&new, &folder).await.unwrap_err().to_string();
    assert!(error.contains("another restoration runs"), "{error}");
    drop(other);
    backup::restore(&new, &folder).await.unwrap();
}

#[tokio::test]
async fn the_commands_need_no_other_setting() {
    let (database, pool, folder) = pairs().await;
    pool.close().await;
    let folder = folder.to_str().unwrap();
    let settings = [("DATABASE_URL", database.url()), ("APP_ENV", "production")];
    for (args, said) in [
        (&["backup", "create", folder][..], "copied "),
        (&["backup", "compare", folder], "1 tables equal"),
        (&["backup", "restore", folder], "the data before: "),
    ] {
        let output = Process::run(args, &settings).await;
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.contains(said), "{args:?}: {text}");
    }
    let output = Process::run(&["backup", "create", folder], &settings).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("exists already"));
}
