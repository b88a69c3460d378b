//! app.validation: invalid values never reach a handler.

use serde_json::{Value, json};

use crate::support::{TestApp, problem, send};

fn fault<'a>(problem: &'a Value, pointer: &str) -> &'a Value {
    let faults = problem["errors"].as_array().unwrap();
    let fault = faults.iter().find(|fault| fault["pointer"] == pointer);
    fault.unwrap_or_else(|| panic!("no fault at {pointer}: {problem}"))
}

#[tokio::test]
async fn a_valid_body_arrives() {
    let app = TestApp::start().await;
    let order = json!({"customer": "ada", "lines": [{"quantity": 1}]});
    let response = send(app.post("/test/orders").json(&order)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.json::<Value>().await.unwrap(), order);
}

#[tokio::test]
async fn all_broken_rules_are_reported_together() {
    let app = TestApp::start().await;
    let order = json!({"customer": "", "lines": [{"quantity": 1}, {"quantity": 0}]});
    let problem = problem(app.post("/test/orders").json(&order), 422).await;
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2);
    assert_eq!(fault(&problem, "/customer")["code"], "invalid");
    assert_eq!(fault(&problem, "/lines/1/quantity")["code"], "invalid");
}

#[tokio::test]
async fn unknown_missing_and_mistyped_fields_are_reported() {
    let app = TestApp::start().await;
    for (order, pointer, code) in [
        (json!({"customer": "a", "lines": [], "admin": true}), "/admin", "unknown"),
        (json!({"customer": "a"}), "", "missing"),
        (json!({"customer": "a", "lines": [{"quantity": "1"}]}), "/lines/0/quantity", "type"),
    ] {
        let problem = problem(app.post("/test/orders").json(&order), 422).await;
        assert_eq!(fault(&problem, pointer)["code"], code);
    }
}

/// By itself serde reads a struct from an array, by position.
#[tokio::test]
async fn an_array_is_no_object() {
    let app = TestApp::start().await;
    let problem = problem(app.post("/test/orders").json(&json!(["ada", []])), 422).await;
    assert_eq!(fault(&problem, "")["code"], "type");
}

#[tokio::test]
async fn texts_that_no_database_stores_are_refused() {
    let app = TestApp::start().await;
    let post = |customer: &str| {
        let order = format!(r#"{{"customer": "{customer}", "lines": []}}"#);
        app.post("/test/orders").header("content-type", "application/json").body(order)
    };
    assert_eq!(send(post(r"\\u0000")).await.status(), 200);
    let nul = problem(post(r"a\u0000"), 422).await;
    assert_eq!(fault(&nul, "")["detail"], "must not contain NUL");
    let surrogate = problem(post(r"\ud800"), 422).await;
    assert_eq!(surrogate["errors"].as_array().unwrap().len(), 1, "{surrogate}");
    fault(&surrogate, "/customer");
    let nul = problem(app.get("/test/page?limit=5&note=%00"), 422).await;
    assert_eq!(fault(&nul, "/note")["detail"], "must not contain NUL");
}

#[tokio::test]
async fn query_and_path_parameters_are_validated_like_bodies() {
    let app = TestApp::start().await;
    assert_eq!(send(app.get("/test/page?limit=5")).await.text().await.unwrap(), r#"{"limit":5}"#);
    assert_eq!(send(app.get("/test/page")).await.status(), 200);
    let over = problem(app.get("/test/page?limit=101"), 422).await;
    assert_eq!(fault(&over, "/limit")["code"], "invalid");
    let mistyped = problem(app.get("/test/page?limit=many"), 422).await;
    assert_eq!(fault(&mistyped, "/limit")["code"], "type");
    let unknown = problem(app.get("/test/page?offset=1"), 422).await;
    assert_eq!(fault(&unknown, "/offset")["code"], "unknown");
    let mistyped = problem(app.get("/test/orders/seven"), 422).await;
    assert_eq!(fault(&mistyped, "/id")["code"], "type");
}
