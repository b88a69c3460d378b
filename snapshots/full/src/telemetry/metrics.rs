//! Metrics for Prometheus, on a separate listener.

use std::{
    collections::HashMap,
    sync::{LazyLock, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use ::metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};
use axum::{Router, extract::State, http::header, response::IntoResponse, routing::get};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;

use super::logs;
use crate::{config::BUILD, error::Error};

/// Upper bounds of the latency buckets, in seconds; the last is the default deadline.
const LATENCY_BUCKETS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 3.0, 5.0, 10.0, 30.0];

/// The recorder of the process, installed by the first call.
pub fn install() -> PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    let handle = RECORDER.get_or_init(|| {
        // Any other histogram is a summary until it gets buckets here.
        let durations = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(durations, &LATENCY_BUCKETS)
            .expect("not empty");
        let handle = builder.install_recorder().expect("no other recorder is installed");
        describe();
        handle
    });
    handle.clone()
}

fn describe() {
    describe_counter!(
        "http_requests_total",
        "Requests answered; status 499 is a client that has disconnected"
    );
    describe_histogram!(
        "http_request_duration_seconds",
        Unit::Seconds,
        "Time to the head of the response"
    );
    describe_gauge!("http_requests_in_flight", "Requests being answered");
    describe_counter!(
        "http_requests_shed_total",
        "Requests answered with 503 (`overloaded`), beyond `MAX_REQUESTS_IN_FLIGHT`, `BODY_MEMORY_BYTES` or `RESPONSE_MEMORY_BYTES`"
    );
    counter!("http_requests_shed_total").absolute(0);
    describe_counter!(
        "http_connections_refused_total",
        "Connections closed at once, beyond `MAX_CONNECTIONS`"
    );
    counter!("http_connections_refused_total").absolute(0);
    describe_counter!(
        "http_probes_total",
        "Probes answered on `HTTP_ADDR`; they count as no other request"
    );
    describe_gauge!("dependency_up", "1 while the dependency passes its health check, else 0");
    describe_counter!(
        "log_lines_dropped_total",
        "Log lines that were lost because the reader of stdout stalls, or stdout cannot be written"
    );
    counter!("log_lines_dropped_total").absolute(0);
    describe_counter!(
        "rate_limit_refusals_total",
        "Requests beyond a rate limit, answered with 429"
    );
    counter!("rate_limit_refusals_total").absolute(0);
    describe_counter!(
        "background_runs_total",
        "Ends of recurring work; `outcome` is `ok` or `panic`"
    );
    describe_gauge!("build_info", "The build; always 1");
    describe_counter!(
        "cache_reads_total",
        "Reads: `hit`, `absent` (known to be absent), `miss`, `garbage` (unreadable, loaded again)"
    );
    describe_histogram!("cache_load_duration_seconds", Unit::Seconds, "Duration of a load");
    describe_gauge!("redis_up", "0 while the circuit breaker of Redis is open, else 1");
    describe_counter!("redis_errors_total", "Calls that Redis did not answer, or refused");
    counter!("redis_errors_total").absolute(0);
    describe_counter!(
        "redis_refusals_total",
        "Calls that Redis refused, such as writes to a read-only replica"
    );
    counter!("redis_refusals_total").absolute(0);
    describe_counter!(
        "rate_limit_fallbacks_total",
        "Requests that a process counted alone, because Redis did not answer or too many clients are counted"
    );
    counter!("rate_limit_fallbacks_total").absolute(0);
    describe_counter!(
        "cache_unanswered_total",
        "Reads that count as misses because Redis did not answer"
    );
    describe_gauge!("database_connections", "Connections of the pool, `idle` and `used`");
    describe_gauge!("database_connections_max", "Connections that the pool may hold");
    describe_histogram!(
        "database_acquire_duration_seconds",
        Unit::Seconds,
        "Wait for a connection, or time to open one"
    );
    describe_counter!(
        "database_acquire_timeouts_total",
        "Requests that got no connection in time, and thus 503"
    );
    counter!("database_acquire_timeouts_total").absolute(0);
    describe_counter!(
        "auth_sign_ins_total",
        "Sign-ins: `ok`, `wrong` (address or password), `refused` (too many wrong passwords), `failed` (a dependency)"
    );
    describe_counter!(
        "auth_refresh_token_reuses_total",
        "Refresh tokens that were used again too late, or after their successors; their sessions have ended"
    );
    counter!("auth_refresh_token_reuses_total").absolute(0);
    describe_counter!(
        "retention_rows_total",
        "Rows older than the `retain` of their resource: `deleted`, or `referenced` and kept, counted again in each run"
    );
    describe_counter!(
        "retention_failures_total",
        "Runs of the retention that ended before the last old row; the next one continues"
    );
    let labels = [("name", BUILD.name), ("version", BUILD.version), ("revision", BUILD.revision)];
    gauge!("build_info", &labels).set(1.0);
    Collector::default().describe();

    // Metrics of your own:
}

static IN_FLIGHT: LazyLock<Gauge> = LazyLock::new(|| gauge!("http_requests_in_flight"));

/// A request has arrived.
pub fn request_started() {
    IN_FLIGHT.increment(1);
}

/// A request was answered, or its client has disconnected.
pub fn request_finished(method: &'static str, route: &str, status: u16, elapsed: Duration) {
    IN_FLIGHT.decrement(1);
    let known = SERIES.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(series) = known.get(route).and_then(|of| of.get(&(method, status))) {
        return series.record(elapsed);
    }
    drop(known);
    let series = Series::of(method, route, status);
    series.record(elapsed);
    let mut known = SERIES.write().unwrap_or_else(PoisonError::into_inner);
    known.entry(route.to_owned()).or_default().insert((method, status), series);
}

/// The series by route, method and status: their labels are made once, and not for each request.
static SERIES: LazyLock<RwLock<HashMap<String, OfRoute>>> = LazyLock::new(RwLock::default);

/// By method and status.
type OfRoute = HashMap<(&'static str, u16), Series>;

/// The series of requests that are alike.
struct Series {
    duration: Histogram,
    requests: Counter,
}

impl Series {
    fn of(method: &'static str, route: &str, status: u16) -> Self {
        let (route, status) = (route.to_owned(), status.to_string());
        Self {
            duration: histogram!("http_request_duration_seconds", "method" => method, "route" => route.clone()),
            requests: counter!("http_requests_total", "method" => method, "route" => route, "status" => status),
        }
    }

    fn record(&self, elapsed: Duration) {
        self.duration.record(elapsed);
        self.requests.increment(1);
    }
}

/// A request was answered with 503, for want of a place or of memory.
pub fn request_shed() {
    counter!("http_requests_shed_total").increment(1);
}

/// A probe was answered. Probes are no traffic: they would dilute the share of errors.
pub fn probe_finished(route: &str, status: u16) {
    let (route, status) = (route.to_owned(), status.to_string());
    counter!("http_probes_total", "route" => route, "status" => status).increment(1);
}

/// Recurring work begins. Its panics start at 0, so that the first one is an increase.
pub fn background_starts(task: &'static str) {
    counter!("background_runs_total", "task" => task, "outcome" => "panic").absolute(0);
}

/// A run of recurring work has ended.
pub fn background_run(task: &'static str, outcome: &'static str) {
    counter!("background_runs_total", "task" => task, "outcome" => outcome).increment(1);
}

/// `GET /metrics`, and the heap profile in builds that have it.
pub fn app(metrics: PrometheusHandle) -> Router {
    let app = Router::new().route("/metrics", get(render));
    #[cfg(feature = "heap-profile")]
    let app = app.route("/debug/heap", get(super::heap::profile));
    app.with_state(metrics)
}

async fn render(State(metrics): State<PrometheusHandle>) -> Result<impl IntoResponse, Error> {
    // Reads /proc and renders every series: not for a worker thread.
    let text = tokio::task::spawn_blocking(move || {
        Collector::default().collect();
        counter!("log_lines_dropped_total").absolute(logs::dropped());
        metrics.render()
    });
    let text = text.await.map_err(Error::internal)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}
