//! Health of the process and of what it depends on.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    BoxError, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures_util::future::{BoxFuture, FutureExt, join_all};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    error::Problem,
    info::{self, Info},
    state::AppState,
};

/// The routes of this module.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready)).routes(routes!(report))
}

/// Whether a path is one of these. Probes ask every few seconds, and nobody reads about each.
pub fn is_probe(path: &str) -> bool {
    matches!(path, "/health" | "/health/live" | "/health/ready")
}

type Outcome = Result<(), BoxError>;

/// A question to one dependency: are you there?
struct Check {
    name: &'static str,
    required: bool,
    ask: Box<dyn Fn() -> BoxFuture<'static, Outcome> + Send + Sync>,
}

/// Every dependency that the service asks after.
pub struct Health {
    checks: RwLock<Vec<Arc<Check>>>,
    timeout: Duration,
    started: Instant,
    draining: AtomicBool,
}

impl Health {
    /// No dependencies yet; each will have `timeout` to answer.
    pub fn new(timeout: Duration) -> Self {
        let checks = RwLock::default();
        Self { checks, timeout, started: Instant::now(), draining: AtomicBool::new(false) }
    }

    /// Adds a dependency without which nothing works.
    pub fn required<F>(&self, name: &'static str, ask: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        self.add(Check { name, required: true, ask: Box::new(move || ask().boxed()) });
    }

    /// Adds a dependency that the service can do without for a while.
    pub fn optional<F>(&self, name: &'static str, ask: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        self.add(Check { name, required: false, ask: Box::new(move || ask().boxed()) });
    }

    fn add(&self, check: Check) {
        self.checks.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(check));
    }

    /// Turns readiness to 503 for good: the service is about to stop.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the service is about to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Asks every dependency at once; answers within the timeout.
    pub async fn components(&self) -> Vec<Component> {
        let checks = self.checks.read().unwrap_or_else(PoisonError::into_inner).clone();
        join_all(checks.iter().map(|check| self.ask(check))).await
    }

    async fn ask(&self, check: &Check) -> Component {
        let start = Instant::now();
        let error = match tokio::time::timeout(self.timeout, (check.ask)()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("no answer in time".to_owned()),
        };
        if let Some(error) = &error {
            tracing::warn!(component = check.name, error, "health check failed");
        }
        Component {
            name: check.name,
            required: check.required,
            status: if error.is_some() { Status::Down } else { Status::Ok },
            latency_ms: (start.elapsed().as_secs_f64() * 1e6).round() / 1e3,
        }
    }
}

/// State of the service, or of a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = HealthStatus)]
pub enum Status {
    /// Works.
    Ok,
    /// Works without a part that it can do without.
    Degraded,
    /// Does not work.
    Down,
}

impl Status {
    fn of(components: &[Component]) -> Self {
        let down = |required| move |c: &Component| c.status == Self::Down && c.required == required;
        if components.iter().any(down(true)) {
            Self::Down
        } else if components.iter().any(down(false)) {
            Self::Degraded
        } else {
            Self::Ok
        }
    }
}

/// A dependency as it was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthComponent)]
pub struct Component {
    /// What it is.
    #[schema(value_type = String, example = "database")]
    name: &'static str,
    /// Whether the service is down without it.
    required: bool,
    /// How it is.
    status: Status,
    /// How long it took to find out, in milliseconds.
    #[schema(example = 1.25)]
    latency_ms: f64,
}

/// The process answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthLive)]
struct Live {
    status: Status,
}

/// The service can do its work.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthReady)]
struct Ready {
    status: Status,
    components: Vec<Component>,
}

/// Everything there is to know, for people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthReport)]
struct Report {
    status: Status,
    #[serde(flatten)]
    info: Info,
    /// Seconds since the start.
    #[schema(example = 86_400)]
    uptime_seconds: u64,
    components: Vec<Component>,
}

/// Whether the process answers. Restart it when it does not.
#[utoipa::path(get, path = "/health/live", operation_id = "health_live", tag = "health",
    responses((status = 200, description = "The process answers", body = Live)))]
async fn live() -> Json<Live> {
    Json(Live { status: Status::Ok })
}

/// Whether to send requests here.
#[utoipa::path(get, path = "/health/ready", operation_id = "health_ready", tag = "health",
    responses(
        (status = 200, description = "Ready; `degraded` when an optional dependency is down",
            body = Ready),
        (status = 503, description = "A required dependency is down, or the service is stopping",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn ready(State(state): State<AppState>) -> Response {
    if state.health.is_draining() {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE);
        return problem.detail("The service is stopping.").into_response();
    }
    let components = state.health.components().await;
    match Status::of(&components) {
        Status::Down => Problem::new(StatusCode::SERVICE_UNAVAILABLE)
            .detail("A required dependency is down.")
            .components(components)
            .into_response(),
        status => Json(Ready { status, components }).into_response(),
    }
}

/// What runs here, for how long, and how its dependencies are. Always 200: a report, not a probe.
#[utoipa::path(get, path = "/health", operation_id = "health_report", tag = "health",
    responses((status = 200, description = "The report", body = Report)))]
async fn report(State(state): State<AppState>) -> Json<Report> {
    let components = state.health.components().await;
    Json(Report {
        status: Status::of(&components),
        info: info::current(),
        uptime_seconds: state.health.started.elapsed().as_secs(),
        components,
    })
}
