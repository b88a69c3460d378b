//! A database for each test, and test routes that use the database.

pub mod postgres;

use axum::{extract::State, routing::get};
use deadpool::Status;
use sqlx::migrate::Migrator;
use tokio::{task::yield_now, time::timeout};
use utoipa_axum::router::OpenApiRouter;

pub use postgres::Database;

use super::{
    DEFAULTS, PATIENCE,
    service::{
        config::Config,
        db::{self, ConnectOptions, Pool, migrate},
        error::Error,
        state::AppState,
    },
};

/// Migrations of the tests, newer than the service's own: a table `things`, then an index.
pub static THINGS: Migrator = sqlx::migrate!("tests/it/migrations");

impl Database {
    /// Creates a database with the schema of this build.
    pub async fn new() -> Self {
        let database = Self::empty().await;
        migrate::up(&migrate::MIGRATIONS, &database.options()).await.unwrap();
        database
    }

    /// Creates a database with the schema of this build and the table `things`.
    pub async fn with_things() -> Self {
        let database = Self::new().await;
        migrate::up(&THINGS, &database.options()).await.unwrap();
        database
    }

    /// Returns a new pool.
    pub fn pool(&self) -> Pool {
        self.pool_with(&[])
    }

    /// Returns a new pool with these settings.
    pub fn pool_with(&self, settings: &[(&'static str, &str)]) -> Pool {
        db::connect(&self.config(settings)).unwrap()
    }

    /// Returns the connection options of the service.
    pub fn options(&self) -> ConnectOptions {
        db::options(&self.config(&[])).unwrap()
    }

    /// Returns the schema without the migration history: tables, columns, indexes, constraints.
    pub async fn schema(&self) -> Vec<String> {
        sqlx::query_scalar(postgres::SCHEMA).fetch_all(&self.pool()).await.unwrap()
    }

    fn config(&self, settings: &[(&'static str, &str)]) -> Config {
        let own = [("DATABASE_URL", self.url())];
        let settings = DEFAULTS.iter().copied().chain(own).chain(settings.iter().copied());
        Config::load(settings.collect(), &[]).unwrap()
    }
}

/// Waits until the connections of a pool are as expected.
pub async fn becomes(pool: &Pool, expected: impl Fn(Status) -> bool) {
    let wait = async {
        while !expected(pool.status()) {
            yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("it stays {:?}", pool.status()));
}

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().route("/test/things", get(count_things))
}

async fn count_things(State(state): State<AppState>) -> Result<String, Error> {
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM _things").fetch_one(&state.db).await?;
    Ok(count.to_string())
}
