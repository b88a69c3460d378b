//! Health of the process and of its dependencies.

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::{FromRef, State},
};
use futures_util::future::{BoxFuture, FutureExt, Shared as SharedFuture, join_all};
use metrics::gauge;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Shared,
    problem::{Kind, Problem},
};
use crate::{
    background::Background,
    config::{BUILD, Build},
    error::Cause,
};

/// The routes of this module.
pub fn routes<S: Shared>() -> OpenApiRouter<S>
where
    Arc<Health>: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready)).routes(routes!(report))
}

/// Whether a path is a probe's. Probes come every few seconds and are of no interest in the log.
pub fn is_probe(path: &str) -> bool {
    matches!(path, "/health" | "/health/live" | "/health/ready")
}

/// Interval of checks without probes.
const WATCH: Duration = Duration::from_secs(10);

/// Time for which all probes share one round of checks, so that a flood of them costs one a second.
const FRESH: Duration = Duration::from_secs(1);

type Outcome = Result<(), Cause>;

/// A round of checks, in progress or finished.
type Round = SharedFuture<BoxFuture<'static, Vec<Component>>>;

/// A health check of one dependency.
struct Check {
    name: &'static str,
    required: bool,
    ask: Box<dyn Fn() -> BoxFuture<'static, Outcome> + Send + Sync>,
}

/// Health of the process, and the checks of its dependencies.
pub struct Health {
    checks: RwLock<Vec<Arc<Check>>>,
    latest: Mutex<Option<(tokio::time::Instant, Round)>>,
    timeout: Duration,
    started: Instant,
    draining: AtomicBool,
}

impl Health {
    /// No dependencies yet; each will have `timeout` to answer.
    pub fn new(timeout: Duration) -> Self {
        Self {
            checks: RwLock::default(),
            latest: Mutex::default(),
            timeout,
            started: Instant::now(),
            draining: AtomicBool::new(false),
        }
    }

    /// Adds a dependency that the service needs.
    pub fn required<F>(&self, name: &'static str, ask: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        self.add(Check { name, required: true, ask: Box::new(move || ask().boxed()) });
    }

    /// Adds a dependency without which the service runs degraded.
    pub fn optional<F>(&self, name: &'static str, ask: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        self.add(Check { name, required: false, ask: Box::new(move || ask().boxed()) });
    }

    fn add(&self, check: Check) {
        self.checks.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(check));
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Keeps `dependency_up` true without probes.
    pub fn watch(self: &Arc<Self>, background: &Background) {
        let health = self.clone();
        background.every("health", WATCH, move || {
            let health = health.clone();
            async move {
                health.round().await;
            }
        });
    }

    /// Turns readiness to 503 for good: the service is stopping.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    async fn readiness(&self) -> Result<Ready, Problem> {
        let is_stopping = || self.draining.load(Ordering::Relaxed);
        let stopping = || Err(Problem::new(Kind::Stopping));
        if is_stopping() {
            return stopping();
        }
        let components = self.components().await;
        // The drain may have begun during the checks.
        if is_stopping() {
            return stopping();
        }
        match Status::of(&components) {
            Status::Down => {
                let problem = Problem::new(Kind::Unavailable).components(components);
                Err(problem.detail("A required dependency is down."))
            }
            status => Ok(Ready { status, components }),
        }
    }

    /// The dependencies as the latest round of checks finds them.
    async fn components(&self) -> Vec<Component> {
        self.round().await
    }

    /// The latest round, or a new one if that is old.
    fn round(&self) -> Round {
        let now = tokio::time::Instant::now();
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((begun, round)) = &*latest
            && let age = now - *begun
            && (age < FRESH || age < self.timeout && round.peek().is_none())
        {
            return round.clone();
        }
        let checks = self.checks.read().unwrap_or_else(PoisonError::into_inner).clone();
        let timeout = self.timeout;
        #[expect(clippy::disallowed_methods, reason = "it ends by its timeout")]
        let task = tokio::spawn(async move {
            join_all(checks.iter().map(|check| check.component(timeout))).await
        });
        // A task, because the client of the request that begins the round may disconnect.
        let round = task.map(|ended| ended.expect("no check panics")).boxed().shared();
        *latest = Some((now, round.clone()));
        round
    }
}

impl Check {
    /// Asks the dependency, which has `timeout` to answer.
    async fn component(&self, timeout: Duration) -> Component {
        let start = Instant::now();
        let error = match tokio::time::timeout(timeout, (self.ask)()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("no answer in time".to_owned()),
        };
        if let Some(error) = &error {
            tracing::warn!(component = self.name, error, "health check failed");
        }
        let required = if self.required { "true" } else { "false" };
        gauge!("dependency_up", "name" => self.name, "required" => required)
            .set(if error.is_some() { 0.0 } else { 1.0 });
        Component {
            name: self.name,
            required: self.required,
            status: if error.is_some() { Status::Down } else { Status::Ok },
            latency_ms: (start.elapsed().as_secs_f64() * 1e6).round() / 1e3,
        }
    }
}

/// State of the service, or of a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = HealthStatus)]
pub enum Status {
    /// Works.
    Ok,
    /// Works without an optional dependency.
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

/// State of a dependency.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = HealthComponent)]
pub struct Component {
    /// Name of the dependency.
    #[schema(value_type = String, example = "database")]
    name: &'static str,
    /// Whether the service is down without the dependency.
    required: bool,
    /// State of the dependency.
    status: Status,
    /// Duration of the health check, in milliseconds.
    #[schema(example = 1.25)]
    latency_ms: f64,
}

/// Liveness of the process.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthLive)]
struct Live {
    status: Status,
}

/// Readiness of the service.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthReady)]
struct Ready {
    status: Status,
    components: Vec<Component>,
}

/// Health report, for people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthReport)]
struct Report {
    status: Status,
    #[serde(flatten)]
    build: Build,
    /// Seconds since the start.
    #[schema(example = 86_400)]
    uptime_seconds: u64,
    components: Vec<Component>,
}

/// Get the liveness of the process. Restart a process that does not answer.
#[utoipa::path(get, path = "/health/live", operation_id = "health_live", tag = "health",
    responses((status = 200, description = "The process answers", body = Live)))]
async fn live() -> Json<Live> {
    Json(Live { status: Status::Ok })
}

/// Get the readiness of the service for requests.
#[utoipa::path(get, path = "/health/ready", operation_id = "health_ready", tag = "health",
    responses(
        (status = 200, description = "Ready; `degraded` while an optional dependency is down",
            body = Ready),
        (status = 503, description = "Problem: `unavailable`, `stopping`",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn ready(State(health): State<Arc<Health>>) -> Result<Json<Ready>, Problem> {
    health.readiness().await.map(Json)
}

/// Get a report on the service and its dependencies. The status is always 200.
#[utoipa::path(get, path = "/health", operation_id = "health_report", tag = "health",
    responses((status = 200, description = "The report", body = Report)))]
async fn report(State(health): State<Arc<Health>>) -> Json<Report> {
    let components = health.components().await;
    Json(Report {
        status: Status::of(&components),
        build: BUILD,
        uptime_seconds: health.started.elapsed().as_secs(),
        components,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_state_of_dependencies_is_shared_for_a_second() {
        let health = Health::new(Duration::from_millis(100));
        let (asked, down) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, fails) = (asked.clone(), down.clone());
        health.required("upstream", move || {
            count.fetch_add(1, Ordering::Relaxed);
            let outcome = if fails.load(Ordering::Relaxed) { Err("gone".into()) } else { Ok(()) };
            std::future::ready(outcome)
        });
        assert_eq!(Status::of(&health.components().await), Status::Ok);
        down.store(true, Ordering::Relaxed);
        tokio::time::advance(FRESH / 2).await;
        assert_eq!(Status::of(&health.components().await), Status::Ok);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        tokio::time::advance(FRESH / 2).await;
        assert_eq!(Status::of(&health.components().await), Status::Down);
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_timeout_makes_no_result_older() {
        let health = Health::new(Duration::from_mins(1));
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        health.required("upstream", move || {
            count.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok(()))
        });
        health.components().await;
        tokio::time::advance(FRESH).await;
        health.components().await;
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn clients_that_disconnect_neither_end_a_round_nor_begin_another() {
        let health = Health::new(Duration::from_millis(100));
        let open = Arc::new(tokio::sync::Semaphore::new(0));
        let gate = open.clone();
        health.required("upstream", move || {
            let gate = gate.clone();
            async move {
                gate.acquire().await?.forget();
                tokio::time::sleep(Duration::from_millis(1)).await;
                Ok(())
            }
        });
        for _ in 0..3 {
            assert!(health.components().now_or_never().is_none());
        }
        open.add_permits(1);
        tokio::task::yield_now().await;
        tokio::time::advance(FRESH / 2).await;
        assert_eq!(Status::of(&health.components().await), Status::Ok);
        assert_eq!(open.available_permits(), 0);
    }
}
