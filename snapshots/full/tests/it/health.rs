//! app.health: liveness, readiness and the health report.

use std::{
    future::{pending, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::sync::Notify;

use crate::support::{Process, TestApp, client, json, problem, send};

/// The state of a dependency in the health report.
fn component<'a>(said: &'a Value, name: &str) -> &'a Value {
    let components = said["components"].as_array().unwrap();
    components.iter().find(|component| component["name"] == name).expect(name)
}

#[tokio::test]
async fn a_service_with_all_dependencies_is_ready() {
    let app = TestApp::start().await;
    assert_eq!(json(app.get("/health/live")).await["status"], "ok");
    assert_eq!(json(app.get("/health/ready")).await["status"], "ok");
}

#[tokio::test]
async fn the_report_has_the_build_and_its_uptime() {
    let app = TestApp::start().await;
    app.state.health.required("upstream", async || Ok(()));
    let report = json(app.get("/health")).await;
    assert_eq!(report["name"], env!("CARGO_PKG_NAME"));
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert!(report["revision"].is_string() && report["uptime_seconds"].is_u64());
    let upstream = component(&report, "upstream");
    assert_eq!(upstream["status"], "ok");
    assert!(upstream["latency_ms"].is_f64());
}

#[tokio::test]
async fn without_a_required_dependency_the_service_is_live_but_not_ready() {
    let app = TestApp::start().await;
    app.state.health.required("upstream", async || Err("secret-host refused".into()));
    assert_eq!(send(app.get("/health/live")).await.status(), 200);
    let down = problem(app.get("/health/ready"), (503, "unavailable")).await;
    assert_eq!(component(&down, "upstream")["status"], "down");
    assert!(!down.to_string().contains("secret"));
    let report = send(app.get("/health")).await;
    assert_eq!(report.status(), 200);
}

#[tokio::test]
async fn without_an_optional_dependency_the_service_is_degraded() {
    let app = TestApp::start().await;
    app.state.health.required("upstream", async || Ok(()));
    app.state.health.optional("luxury", async || Err("gone".into()));
    let response = send(app.get("/health/ready")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.json::<Value>().await.unwrap()["status"], "degraded");
}

#[tokio::test]
async fn readiness_fails_when_shutdown_begins_during_the_checks() {
    let app = TestApp::start().await;
    let (asked, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (asks, goes_on) = (asked.clone(), go_on.clone());
    app.state.health.required("upstream", move || {
        let (asks, goes_on) = (asks.clone(), goes_on.clone());
        async move {
            asks.notify_one();
            goes_on.notified().await;
            Ok(())
        }
    });
    let drain = async {
        asked.notified().await;
        app.state.health.drain();
        go_on.notify_one();
    };
    tokio::join!(problem(app.get("/health/ready"), (503, "stopping")), drain);
}

#[tokio::test]
async fn a_thousand_probes_cost_one_check() {
    let app = TestApp::start().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    app.state.health.required("upstream", move || {
        count.fetch_add(1, Ordering::Relaxed);
        ready(Ok(()))
    });
    let start = Instant::now();
    let probes = (0..1000).map(|n| app.get(["/health", "/health/ready"][n % 2]).send());
    let probes: Vec<_> = stream::iter(probes).buffer_unordered(50).collect().await;
    for probe in probes {
        assert_eq!(probe.unwrap().status(), 200);
    }
    // A machine that is busy takes more than a second.
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap();
    assert!(asked.load(Ordering::Relaxed) <= 1 + seconds);
}

#[tokio::test]
async fn probes_answer_on_the_management_listener_too() {
    let service = Process::start(&[]).await;
    for path in ["/health", "/health/live", "/health/ready", "/metrics"] {
        let url = format!("http://{}{path}", service.metrics_addr);
        assert_eq!(send(client().get(url)).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_dependency_that_hangs_is_reported_as_down_in_time() {
    let app = TestApp::with(&[("HEALTH_CHECK_TIMEOUT", "50ms")]).await;
    app.state.health.optional("slow", pending);
    app.state.health.optional("slower", pending);
    let report = json(app.get("/health")).await;
    for name in ["slow", "slower"] {
        assert_eq!(component(&report, name)["status"], "down");
    }
}
