//! app.errors: every error is a problem, and says nothing internal.

use crate::support::{Process, TestApp, header, problem, send};

#[tokio::test]
async fn every_error_is_a_problem() {
    let app = TestApp::start().await;
    let json = |body: &'static str| {
        app.post("/test/orders").header("content-type", "application/json").body(body)
    };
    problem(app.get("/nothing"), 404).await;
    problem(app.get("/api/v1/nothing"), 404).await;
    problem(app.get("/static/nothing"), 404).await;
    problem(app.get("/docs/nothing"), 404).await;
    problem(app.post("/api/v1/info"), 405).await;
    problem(app.get("/api/v1/info").header("accept", "text/html"), 406).await;
    problem(app.get("/api/v1/info").header("accept-encoding", "identity;q=0"), 406).await;
    problem(json("{"), 400).await;
    problem(json(r#"{"customer":"a","lines":[]} {}"#), 400).await;
    problem(app.get("/static/%ff"), 400).await;
    problem(app.post("/test/orders").body("a=b"), 415).await;
    problem(json("{}"), 422).await;
    problem(app.get("/test/orders/no-uuid"), 422).await;
    problem(app.get("/test/anonymous"), 401).await;
    problem(app.get("/test/forbidden"), 403).await;
    problem(app.get("/test/conflict"), 409).await;
    problem(app.get("/test/changed"), 412).await;
    problem(app.get("/test/bare"), 502).await;
    problem(app.get("/test/internal"), 500).await;
    problem(app.get("/test/panic"), 500).await;
    problem(app.get("/test/unavailable"), 503).await;
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let app = TestApp::start().await;
    let response = send(app.request("DELETE", "/api/v1/info")).await;
    assert_eq!(response.status(), 405);
    assert_eq!(header(&response, "allow"), "GET,HEAD");
}

#[tokio::test]
async fn a_large_body_is_refused_by_its_length_and_by_its_bytes() {
    let app = TestApp::with(&[("BODY_LIMIT_BYTES", "1024")]).await;
    let body = format!(r#"{{"customer":"{}"}}"#, "x".repeat(2000));
    let request = app.post("/test/orders").header("content-type", "application/json");
    problem(request.try_clone().unwrap().body(body), 413).await;
    // axum's own extractor answers in plain text; the service still answers with a problem.
    problem(app.post("/test/slurp").body("x".repeat(2000)), 413).await;
}

#[tokio::test]
async fn server_errors_keep_their_causes_to_themselves() {
    let app = TestApp::start().await;
    for path in ["/test/internal", "/test/unavailable", "/test/panic", "/test/bare"] {
        let body = send(app.get(path)).await.text().await.unwrap();
        assert!(!body.contains("secret"), "{path}: {body}");
    }
}

#[tokio::test]
async fn a_client_without_a_token_is_told_which_kind_is_asked_for() {
    let app = TestApp::start().await;
    assert_eq!(header(&send(app.get("/test/anonymous")).await, "www-authenticate"), "Bearer");
}

#[tokio::test]
async fn unavailable_says_when_to_come_back() {
    let app = TestApp::start().await;
    assert_eq!(header(&send(app.get("/test/unavailable")).await, "retry-after"), "1");
}

#[tokio::test]
async fn the_real_binary_answers_problems_too() {
    let service = Process::start(&[]).await;
    problem(service.get("/nothing"), 404).await;
}
