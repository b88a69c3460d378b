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

        let metrics = telemetry::metrics::install();
        let upkeep = metrics.clone();
        // Without it the recorder keeps every sample since the last scrape.
        background.every("metrics_upkeep", Duration::from_secs(5), move || {
            let upkeep = upkeep.clone();
            async move { upkeep.run_upkeep() }
        });

        // Parts of your own:

        Ok(Self(Arc::new(Parts {
            rate_limit: RateLimit::new(&config),
            config,
            health,
            background,
            requests: TaskTracker::new(),
            metrics,
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
