//! A database for each test, and routes that use it.

pub mod postgres;

use axum::{extract::State, routing::get};
use sqlx::migrate::Migrator;
use utoipa_axum::router::OpenApiRouter;

pub use postgres::Database;

use super::{
    DEFAULTS,
    service::{
        config::Config,
        db::{self, ConnectOptions, Pool, migrate},
        error::AppError,
        state::AppState,
    },
};

/// Migrations of the tests, newer than any other: a table `things`, then an index over it.
pub static THINGS: Migrator = sqlx::migrate!("tests/it/migrations");

impl Database {
    /// With the schema of this build.
    pub async fn new() -> Self {
        let database = Self::empty().await;
        migrate::up(&migrate::MIGRATIONS, &database.options()).await.unwrap();
        database
    }

    /// The same, with `things`.
    pub async fn with_things() -> Self {
        let database = Self::new().await;
        migrate::up(&THINGS, &database.options()).await.unwrap();
        database
    }

    /// A pool of connections to it.
    pub fn pool(&self) -> Pool {
        db::connect(&self.config()).unwrap()
    }

    /// How the service connects to it.
    pub fn options(&self) -> ConnectOptions {
        db::options(&self.config()).unwrap()
    }

    /// What is there beside the history: tables, columns, indexes, constraints.
    pub async fn schema(&self) -> Vec<String> {
        sqlx::query_scalar(postgres::SCHEMA).fetch_all(&self.pool()).await.unwrap()
    }

    fn config(&self) -> Config {
        let settings = DEFAULTS.iter().copied().chain([("DATABASE_URL", self.url())]);
        Config::load(settings.collect()).unwrap()
    }
}

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().route("/test/things", get(count_things))
}

async fn count_things(State(state): State<AppState>) -> Result<String, AppError> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM things").fetch_one(&state.db).await?;
    Ok(count.to_string())
}
