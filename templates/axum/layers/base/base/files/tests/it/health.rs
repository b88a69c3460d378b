//! app.health: liveness, readiness and the health report.

use std::future::pending;

use serde_json::Value;

use crate::support::{TestApp, json, problem, send};

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
async fn a_dependency_that_hangs_is_reported_as_down_in_time() {
    let app = TestApp::with(&[("HEALTH_CHECK_TIMEOUT", "50ms")]).await;
    app.state.health.optional("slow", pending);
    app.state.health.optional("slower", pending);
    let report = json(app.get("/health")).await;
    for name in ["slow", "slower"] {
        assert_eq!(component(&report, name)["status"], "down");
    }
}
