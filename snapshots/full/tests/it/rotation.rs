//! sec.secrets: a changed user or password of the database is used without a restart.

use std::env;

use sqlx::AssertSqlSafe;
use tokio::{fs, time::timeout};
use url::Url;
use uuid::Uuid;

use crate::support::{PATIENCE, TestApp, database::Database, service::db::rotation};

#[tokio::test]
async fn a_changed_user_is_used_once_the_server_accepts_it() {
    let database = Database::new().await;
    let role = format!("rotated_{}", Uuid::now_v7().simple());
    let file = env::temp_dir().join(&role);
    fs::write(&file, database.url()).await.unwrap();
    let settings = [
        ("DATABASE_URL", ""),
        ("DATABASE_URL_FILE", file.to_str().unwrap()),
        // A connection that was used is closed.
        ("DATABASE_MAX_LIFETIME", "1ms"),
    ];
    let app = TestApp::with(&settings).await;
    let (pool, config) = (&app.state.db, &app.state.config);
    let user = async || {
        let user = sqlx::query_scalar("SELECT current_user::text").fetch_one(pool);
        user.await.unwrap()
    };
    let first: String = user().await;

    let mut url: Url = database.url().parse().unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("new")).unwrap();
    fs::write(&file, url.as_str()).await.unwrap();
    rotation::renew(pool, config).await.unwrap_err();
    assert_eq!(user().await, first);

    let create = format!("CREATE ROLE {role} LOGIN PASSWORD 'new'");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&database.pool()).await.unwrap();
    let changed = async { while user().await != role {} };
    timeout(PATIENCE, changed).await.expect("the service looks at the file");

    // The user may be the right one, and the database not.
    url.set_path("postgres");
    fs::write(&file, url.as_str()).await.unwrap();
    let refused = rotation::renew(pool, config).await.unwrap_err();
    assert!(refused.to_string().contains("restart"), "{refused}");
    fs::remove_file(&file).await.unwrap();
    rotation::renew(pool, config).await.unwrap_err();
    assert_eq!(user().await, role);
    let drop = format!("DROP ROLE {role}");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&database.pool()).await.unwrap();
}
