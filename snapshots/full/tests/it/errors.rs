//! app.errors: every error response is a problem and exposes nothing internal.

use crate::support::{Process, TestApp, header, problem, send};

#[tokio::test]
async fn every_error_is_a_problem() {
    let app = TestApp::start().await;
    let json = |body: &'static str| {
        app.post("/test/orders").header("content-type", "application/json").body(body)
    };
    problem(app.get("/nothing"), (404, "not-found")).await;
    problem(app.get("/api/v1/nothing"), (404, "not-found")).await;
    problem(app.get("/static/nothing"), (404, "not-found")).await;
    problem(app.get("/docs/nothing"), (404, "not-found")).await;
    problem(app.post("/api/v1/info"), (405, "method-not-allowed")).await;
    problem(app.get("/api/v1/info").header("accept", "text/html"), (406, "not-acceptable")).await;
    problem(
        app.get("/api/v1/info").header("accept-encoding", "identity;q=0"),
        (406, "not-acceptable"),
    )
    .await;
    problem(json("{"), (400, "malformed")).await;
    problem(json(r#"{"customer":"a","lines":[]} {}"#), (400, "malformed")).await;
    problem(app.get("/static/%ff"), (400, "malformed")).await;
    problem(app.post("/test/orders").body("a=b"), (415, "unsupported-media-type")).await;
    problem(json("{}"), (422, "invalid")).await;
    problem(app.get("/test/orders/no-uuid"), (422, "invalid")).await;
    problem(app.get("/test/anonymous"), (401, "unauthenticated")).await;
    problem(app.get("/test/credentials"), (401, "wrong-credentials")).await;
    problem(app.get("/test/forbidden"), (403, "forbidden")).await;
    problem(app.get("/test/conflict"), (409, "conflict")).await;
    problem(app.get("/test/taken"), (409, "taken")).await;
    problem(app.get("/test/referenced"), (409, "referenced")).await;
    problem(app.get("/test/in-progress"), (409, "in-progress")).await;
    problem(app.get("/test/changed"), (412, "stale")).await;
    problem(app.get("/test/bare"), (502, "about:blank")).await;
    problem(app.get("/test/internal"), (500, "internal")).await;
    problem(app.get("/test/panic"), (500, "internal")).await;
    problem(app.get("/test/unavailable"), (503, "unavailable")).await;
    problem(app.get("/test/overloaded"), (503, "overloaded")).await;
}

#[tokio::test]
async fn the_type_of_a_problem_leads_to_its_description() {
    let app = TestApp::start().await;
    let problem_seen = problem(app.get("/test/taken"), (409, "taken")).await;
    assert_eq!(problem_seen["errors"][0]["pointer"], "/name");
    let kind = problem_seen["type"].as_str().unwrap();
    let response = send(app.get(kind)).await;
    assert_eq!(response.status(), 200);
    let described: serde_json::Value = response.json().await.unwrap();
    for member in ["type", "title", "status"] {
        assert_eq!(described[member], problem_seen[member], "{member}");
    }
    assert!(described["detail"].as_str().is_some_and(|text| !text.is_empty()));
    problem(app.get("/problems/nothing"), 404).await;
}

#[tokio::test]
async fn a_wrong_method_gets_the_allowed_methods() {
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
    problem(request.try_clone().unwrap().body(body), (413, "too-large")).await;
    // axum's own extractor responds in plain text; a middleware turns the response into a problem.
    problem(app.post("/test/slurp").body("x".repeat(2000)), (413, "too-large")).await;
}

#[tokio::test]
async fn server_errors_do_not_expose_their_causes() {
    let app = TestApp::start().await;
    for path in ["/test/internal", "/test/unavailable", "/test/panic", "/test/bare"] {
        let body = send(app.get(path)).await.text().await.unwrap();
        assert!(!body.contains("secret"), "{path}: {body}");
    }
}

#[tokio::test]
async fn a_401_names_the_authentication_scheme() {
    let app = TestApp::start().await;
    let response = send(app.get("/test/anonymous")).await;
    let realm = concat!("Bearer realm=\"", env!("CARGO_PKG_NAME"), "\"");
    assert_eq!(header(&response, "www-authenticate"), realm);
}

#[tokio::test]
async fn a_503_has_retry_after() {
    let app = TestApp::start().await;
    assert_eq!(header(&send(app.get("/test/unavailable")).await, "retry-after"), "1");
}

#[tokio::test]
async fn the_binary_responds_with_problems() {
    let service = Process::start(&[]).await;
    problem(service.get("/nothing"), (404, "not-found")).await;
}
