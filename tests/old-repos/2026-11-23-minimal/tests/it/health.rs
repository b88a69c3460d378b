//! app.health: live, ready and the report.

use std::future::pending;

use crate::support::{TestApp, json, problem, send};

#[tokio::test]
async fn a_service_without_dependencies_is_ready() {
    let app = TestApp::start().await;
    assert_eq!(json(app.get("/health/live")).await["status"], "ok");
    assert_eq!(json(app.get("/health/ready")).await["status"], "ok");
}

#[tokio::test]
async fn the_report_says_what_runs() {
    let app = TestApp::start().await;
    app.state.health.required("database", async || Ok(()));
    let report = json(app.get("/health")).await;
    assert_eq!(report["name"], env!("CARGO_PKG_NAME"));
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert!(report["revision"].is_string() && report["uptime_seconds"].is_u64());
    let database = &report["components"][0];
    assert_eq!((&database["name"], &database["status"]), (&"database".into(), &"ok".into()));
    assert!(database["latency_ms"].is_f64());
}

#[tokio::test]
async fn without_a_required_dependency_it_is_live_but_not_ready() {
    let app = TestApp::start().await;
    app.state.health.required("database", async || Err("secret-host refused".into()));
    assert_eq!(send(app.get("/health/live")).await.status(), 200);
    let down = problem(app.get("/health/ready"), 503).await;
    assert_eq!(down["components"][0]["status"], "down");
    assert!(!down.to_string().contains("secret"));
    let report = send(app.get("/health")).await;
    assert_eq!(report.status(), 200);
}

#[tokio::test]
async fn without_an_optional_dependency_it_is_degraded() {
    let app = TestApp::start().await;
    app.state.health.required("database", async || Ok(()));
    app.state.health.optional("cache", async || Err("gone".into()));
    let response = send(app.get("/health/ready")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.json::<serde_json::Value>().await.unwrap()["status"], "degraded");
}

#[tokio::test]
async fn a_dependency_that_hangs_is_down_and_holds_nobody() {
    let app = TestApp::with(&[("HEALTH_CHECK_TIMEOUT", "50ms")]).await;
    app.state.health.optional("slow", pending);
    app.state.health.optional("slower", pending);
    let ready = json(app.get("/health/ready")).await;
    assert_eq!(ready["status"], "degraded");
    assert_eq!(ready["components"][1]["status"], "down");
}
