//! sec.cors: only configured origins may call the API.

use crate::support::{TestApp, header, send};

const ORIGIN: &str = "https://app.example.com";

#[tokio::test]
async fn by_default_no_origin_is_allowed() {
    let app = TestApp::start().await;
    let response = send(app.get("/api/v1/info").header("origin", ORIGIN)).await;
    assert!(!response.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn only_a_configured_origin_is_allowed() {
    let app = TestApp::with(&[("CORS_ORIGINS", ORIGIN)]).await;
    let response = send(app.get("/api/v1/info").header("origin", ORIGIN)).await;
    assert_eq!(header(&response, "access-control-allow-origin"), ORIGIN);
    assert!(header(&response, "access-control-expose-headers").contains("x-request-id"));
    let other = send(app.get("/api/v1/info").header("origin", "https://evil.example")).await;
    assert!(!other.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_preflight_is_answered() {
    let app = TestApp::with(&[("CORS_ORIGINS", ORIGIN), ("CORS_CREDENTIALS", "true")]).await;
    let preflight = app
        .request("OPTIONS", "/api/v1/info")
        .header("origin", ORIGIN)
        .header("access-control-request-method", "PUT");
    let response = send(preflight).await;
    assert_eq!(response.status(), 200);
    assert!(header(&response, "access-control-allow-methods").contains("PUT"));
    assert_eq!(header(&response, "access-control-allow-credentials"), "true");
}

#[tokio::test]
async fn error_responses_carry_cors_headers() {
    let app = TestApp::with(&[("CORS_ORIGINS", ORIGIN), ("RATE_LIMIT_PER_MINUTE", "1")]).await;
    for status in [200, 429] {
        let response = send(app.get("/api/v1/info").header("origin", ORIGIN)).await;
        assert_eq!(response.status(), status);
        assert_eq!(header(&response, "access-control-allow-origin"), ORIGIN);
    }
}
