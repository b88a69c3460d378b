//! The composition root: what handlers and middleware share, made once at start.

use std::{ops::Deref, sync::Arc, time::Duration};

use axum::BoxError;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::task::TaskTracker;

use crate::{
    background::Background, config::Config, health::Health, rate_limit::RateLimit, telemetry,
};

/// What handlers and middleware share. A clone is one more reference to the same [`Parts`].
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// The parts of [`AppState`].
pub struct Parts {
    /// Every setting.
    pub config: Config,
    /// Health of the process and of its dependencies.
    pub health: Health,
    /// Work that outlives a request.
    pub background: Background,
    /// Requests in flight; shutdown waits for them.
    pub requests: TaskTracker,
    /// Budget of each client.
    pub rate_limit: RateLimit,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// Accounts and their sessions.
    pub auth: crate::auth::Auth,
    /// What was loaded before.
    pub cache: crate::cache::Cache,
    /// What all replicas share; may be down.
    pub redis: crate::redis::Redis,
    /// Connections to the database.
    pub db: crate::db::Pool,
    // Fields of your own:
}

impl AppState {
    /// Connects the parts.
    ///
    /// # Errors
    /// A part that cannot be made from its settings. A dependency that is merely down is no error:
    /// readiness says so, and it may come back.
    #[allow(clippy::unused_async, reason = "parts that connect somewhere will await")]
    pub async fn new(config: Config) -> Result<Self, BoxError> {
        let health = Health::new(config.health_check_timeout);
        let background = Background::default();
        let rate_limit = RateLimit::new("default", config.rate_limit_per_minute, &config);

        let metrics = telemetry::metrics::install();
        let upkeep = metrics.clone();
        // Without it the recorder keeps every sample since the last scrape.
        background.every("metrics_upkeep", Duration::from_secs(5), move || {
            let upkeep = upkeep.clone();
            async move { upkeep.run_upkeep() }
        });

        let redis = crate::redis::Redis::new(&config)?;
        let asked = redis.clone();
        health.optional("cache", move || {
            let asked = asked.clone();
            async move { asked.ping().await }
        });
        let rate_limit = rate_limit.shared_by(&redis, &config);
        let store = crate::cache::Store::new(&redis, &background, &config);
        let cache = crate::cache::Cache::new(store, &config);

        let db = crate::db::connect(&config)?;
        crate::db::watch(&db, &config, &health, &background).await?;

        let auth = crate::auth::Auth::new(&config, db.clone())?;
        auth.forget_what_is_over(&background);
        let auth = auth.shared_by(&redis, &background, &config);

        crate::idempotency::clean_up(&background, &db, config.idempotency_ttl);

        // Parts of your own:

        Ok(Self(Arc::new(Parts {
            rate_limit,
            config,
            health,
            background,
            requests: TaskTracker::new(),
            metrics,
            auth,
            cache,
            redis,
            db,
            // Fields of your own:
        })))
    }
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
