//! app.ratelimit: each client has a budget of requests.

use crate::support::{TestApp, header, problem, send};

#[tokio::test]
async fn a_client_sees_its_budget_and_cannot_exceed_it() {
    let app = TestApp::with(&[("RATE_LIMIT_PER_MINUTE", "2")]).await;
    let first = send(app.get("/api/v1/info")).await;
    assert_eq!(header(&first, "ratelimit-policy"), "\"default\";q=2;w=60");
    assert_eq!(header(&first, "ratelimit"), "\"default\";r=1;t=30");
    assert_eq!(send(app.get("/api/v1/info")).await.status(), 200);

    let refused = send(app.get("/api/v1/info")).await;
    assert!((1..=30).contains(&header(&refused, "retry-after").parse::<u32>().unwrap()));
    assert!(header(&refused, "ratelimit").starts_with("\"default\";r=0;"));
    problem(app.get("/api/v1/info"), 429).await;
    problem(app.get("/nothing"), 429).await;
}

#[tokio::test]
async fn probes_are_never_refused() {
    let app = TestApp::with(&[("RATE_LIMIT_PER_MINUTE", "1")]).await;
    send(app.get("/api/v1/info")).await;
    for path in ["/health", "/health/live", "/health/ready"] {
        let response = send(app.get(path)).await;
        assert_eq!(response.status(), 200);
        assert!(!response.headers().contains_key("ratelimit"));
    }
}

#[tokio::test]
async fn a_forged_address_does_not_extend_the_budget() {
    let app = TestApp::with(&[("RATE_LIMIT_PER_MINUTE", "1")]).await;
    send(app.get("/api/v1/info").header("x-forwarded-for", "192.0.2.1")).await;
    problem(app.get("/api/v1/info").header("x-forwarded-for", "192.0.2.2"), 429).await;
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_its_own_budget() {
    let app = TestApp::with(&[("RATE_LIMIT_PER_MINUTE", "1"), ("TRUSTED_PROXIES", "1")]).await;
    let from = |chain: &str| app.get("/api/v1/info").header("x-forwarded-for", chain.to_owned());
    assert_eq!(send(from("192.0.2.1")).await.status(), 200);
    assert_eq!(send(from("192.0.2.2")).await.status(), 200);
    problem(from("198.51.100.7, 192.0.2.1"), 429).await;
}
