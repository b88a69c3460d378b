//! The composition root: builds every part of the service once, in order.

use std::{ops::Deref, sync::Arc, time::Duration};

use axum::extract::FromRef;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::{
    background::Background,
    config::{Check, Config},
    error::Cause,
    http::{health::Health, middleware::drain::InFlight},
    rate_limit::RateLimit,
    telemetry,
};

/// Rules of the parts on the settings.
pub const CHECKS: &[Check] = &[
    crate::cache::check,
    crate::redis::check,
    crate::db::check,
    crate::auth::check,
    // Checks of your own:
];

/// The state of the router. A clone is a reference to the same [`Parts`].
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// Declares [`Parts`]. A handler extracts each of them by its type: `State<Arc<Health>>`.
macro_rules! parts {
    ($($(#[doc = $doc:literal])* pub $name:ident: $part:ty,)+) => {
        /// The parts of [`AppState`].
        pub struct Parts {
            $($(#[doc = $doc])* pub $name: $part,)+
        }

        $(impl FromRef<AppState> for $part {
            fn from_ref(state: &AppState) -> Self {
                state.$name.clone()
            }
        })+
    };
}

parts! {
    /// Every setting.
    pub config: Arc<Config>,
    /// Health of the process and of its dependencies.
    pub health: Arc<Health>,
    /// Tasks beside the requests.
    pub background: Background,
    /// Requests in flight.
    pub in_flight: InFlight,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// Redis, which all replicas share; it may be down.
    pub redis: crate::redis::Redis,
    /// Budgets of the clients.
    pub rate_limit: Arc<RateLimit>,
    /// Values that were loaded before.
    pub cache: crate::cache::Cache,
    /// Connections to the database.
    pub db: crate::db::Pool,
    /// Accounts and their sessions.
    pub auth: Arc<crate::auth::Auth>,
    // Parts of your own:
}

impl AppState {
    /// Builds the parts.
    ///
    /// # Errors
    /// A part cannot be built from its settings. A dependency that is down is not an error: readiness
    /// reports it until it is up.
    #[allow(clippy::unused_async, reason = "parts that connect somewhere will await")]
    pub async fn new(config: Config) -> Result<Self, Cause> {
        let config = Arc::new(config);
        let health = Arc::new(Health::new(config.health_check_timeout));
        let background = Background::default();
        health.watch(&background);

        let metrics = telemetry::metrics::install();
        let upkeep = metrics.clone();
        // Without it the recorder keeps every sample since the last scrape.
        background.every("metrics_upkeep", Duration::from_secs(5), move || {
            let upkeep = upkeep.clone();
            async move { upkeep.run_upkeep() }
        });

        let redis = crate::redis::Redis::new(&config)?;
        let checked = redis.clone();
        health.optional("cache", move || checked.clone().ping());
        let budgets = crate::rate_limit::Budgets::new(&redis, &config);
        let rate_limit =
            Arc::new(RateLimit::new("default", config.rate_limit_per_minute, &budgets));

        let store = crate::cache::Store::new(&redis, &background, &config);
        let cache = crate::cache::Cache::new(store, &background, &config);

        let db = crate::db::connect(&config)?;
        let sessions = crate::auth::Sessions::new(&db, &redis, &background, &config);

        let schema = crate::db::watch(&db, &config, &background).await?;
        health.required("database", move || schema.clone().ready());

        let auth = Arc::new(crate::auth::Auth::new(&config, &db, &background, sessions, &budgets)?);
        auth.forget_what_is_over(&background);

        crate::http::idempotency::clean_up(&background, &db, config.idempotency_ttl);

        crate::api::retention::start(&background, &config, &db, &cache);

        // Parts of your own:

        Ok(Self(Arc::new(Parts {
            config,
            health,
            background,
            in_flight: InFlight::default(),
            metrics,
            redis,
            rate_limit,
            cache,
            db,
            auth,
            // Parts of your own:
        })))
    }

    /// Closes what the parts hold open.
    #[allow(clippy::unused_async, reason = "parts with connections will await")]
    pub async fn close(&self) {
        // At once: one that takes all the time keeps no other from it.
        tokio::join!(self.cache.close(), self.db.close(), self.auth.close());
        // Again: work of `db` that ended meanwhile may concern it.
        self.cache.close().await;
        // Parts of your own:
    }
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
