//! mon.metrics: rate, errors and duration of requests, with labels of bounded cardinality.

use tokio::time::timeout;

use crate::support::{PATIENCE, Process, TestApp, client, header, send};

async fn scrape(service: &Process) -> String {
    let response = service.metrics().await;
    assert!(header(&response, "content-type").starts_with("text/plain; version=0.0.4"));
    response.text().await.unwrap()
}

#[tokio::test]
async fn requests_are_counted_by_route() {
    let service = Process::start(&[("RATE_LIMIT_PER_MINUTE", "2")]).await;
    for _ in 0..3 {
        send(service.get("/api/v1/info")).await;
    }
    let text = scrape(&service).await;
    let route = r#"method="GET",route="/api/v1/info""#;
    for line in [
        format!(r#"http_requests_total{{{route},status="200"}} 2"#),
        format!(r#"http_requests_total{{{route},status="429"}} 1"#),
        format!("http_request_duration_seconds_count{{{route}}} 3"),
        format!(r#"http_request_duration_seconds_bucket{{{route},le="30"}} 3"#),
        "http_requests_in_flight 0".to_owned(),
        "rate_limit_refusals_total 1".to_owned(),
    ] {
        assert!(text.contains(&line), "{line} is missing in:\n{text}");
    }
}

#[tokio::test]
async fn probes_are_no_traffic() {
    let service = Process::start(&[]).await;
    for _ in 0..2 {
        send(service.get("/health/live")).await;
    }
    let text = scrape(&service).await;
    let probes = r#"http_probes_total{route="/health/live",status="200"} 2"#;
    assert!(text.contains(probes), "{probes} is missing in:\n{text}");
    let traffic = |line: &&str| line.starts_with("http_request") && line.contains("/health");
    assert_eq!(text.lines().find(traffic), None);
}

#[tokio::test]
async fn unknown_paths_and_methods_add_no_series() {
    let service = Process::start(&[]).await;
    let request = async |n: usize| {
        send(service.get(&format!("/nothing/{n}"))).await;
        let url = format!("http://{}/nothing", service.addr);
        send(client().request(format!("M{n}").parse().unwrap(), url)).await;
    };
    request(0).await;
    let series = |text: String| text.lines().filter(|line| line.starts_with("http_")).count();
    let before = series(scrape(&service).await);
    for n in 1..20 {
        request(n).await;
    }
    assert_eq!(series(scrape(&service).await), before);
}

#[tokio::test]
async fn the_build_and_the_process_are_described() {
    let service = Process::start(&[]).await;
    let text = scrape(&service).await;
    assert!(text.contains("build_info{") && text.contains("revision=\""));
    assert!(text.contains("process_resident_memory_bytes ") && text.contains("process_open_fds "));
    assert!(
        text.contains("rate_limit_refusals_total 0"),
        "the series exists before the first refusal"
    );
}

/// Without upkeep the recorder keeps every sample since the last scrape.
#[tokio::test]
async fn the_upkeep_of_the_recorder_runs() {
    let service = Process::start(&[]).await;
    let runs = r#"background_runs_total{task="metrics_upkeep",outcome="ok"} "#;
    let wait = async { while !scrape(&service).await.contains(runs) {} };
    timeout(PATIENCE, wait).await.expect("the upkeep runs");
    let panics = r#"background_runs_total{task="metrics_upkeep",outcome="panic"} 0"#;
    assert!(scrape(&service).await.contains(panics), "the first panic is an increase");
}

#[tokio::test]
async fn metrics_are_not_public() {
    let app = TestApp::start().await;
    assert_eq!(send(app.get("/metrics")).await.status(), 404);
}
