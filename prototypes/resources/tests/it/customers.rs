//! Customers: what only one may have, and what is referred to. The rest is as with orders.

use serde_json::{Value, json};

use crate::support::{TestApp, fault, header, json as body_of, log, problem, send};

const PATH: &str = "/api/v1/customers";

fn customer(n: u32) -> Value {
    json!({"name": format!("{n}xxxxxxx"), "email": format!("ada{n}@example.org"), "born": "2000-01-31"})
}

#[tokio::test]
async fn a_customer_is_made_read_replaced_changed_and_deleted() {
    let app = TestApp::start().await;
    let response = send(app.post(PATH).json(&customer(0))).await;
    assert_eq!(response.status(), 201);
    let location = header(&response, "location").to_owned();
    assert_eq!(header(&response, "etag"), "\"1\"");
    let made: Value = response.json().await.unwrap();
    for (name, value) in customer(0).as_object().unwrap() {
        assert_eq!(made[name], *value, "{name}");
    }
    assert_eq!(body_of(app.get(&location)).await, made);

    let replaced = json!({"name": "Ada", "email": "ada@example.org"});
    let replaced = body_of(app.request("PUT", &location).json(&replaced)).await;
    assert_eq!((&replaced["name"], &replaced["born"]), (&"Ada".into(), &Value::Null));
    let changed = body_of(app.request("PATCH", &location).json(&json!({"name": "Eve"}))).await;
    assert_eq!((&changed["name"], &changed["version"]), (&"Eve".into(), &3.into()));
    assert_eq!(changed["email"], "ada@example.org");

    assert_eq!(send(app.request("DELETE", &location)).await.status(), 204);
    problem(app.get(&location), 404).await;
    problem(app.request("DELETE", &location), 404).await;
    problem(app.request("PUT", &location).json(&customer(0)), 404).await;
    problem(app.request("PATCH", &location).json(&json!({})), 404).await;
}

#[tokio::test]
async fn an_email_that_is_taken_is_a_conflict_that_names_it() {
    let app = TestApp::start().await;
    app.create(PATH, &customer(0)).await;
    let other = app.create(PATH, &customer(1)).await;
    let other = format!("{PATH}/{}", other["id"].as_str().unwrap());

    let taken = json!({"email": customer(0)["email"]});
    for request in [
        app.post(PATH).json(&customer(0)),
        app.request("PUT", &other).json(&customer(0)),
        app.request("PATCH", &other).json(&taken),
    ] {
        let problem = problem(request, 409).await;
        assert_eq!(fault(&problem, "/email")["code"], "taken");
    }
}

#[tokio::test]
async fn a_batch_is_one_statement_and_all_or_nothing() {
    let app = TestApp::start().await;
    let batch = format!("{PATH}/batch");
    let items: Vec<_> = (0..100).map(customer).collect();
    let request = app.post(&batch).header("x-request-id", "batch-of-customers");
    let made = body_of(request.json(&json!({"items": items}))).await;
    let made = made["items"].as_array().unwrap();
    for (given, made) in items.iter().zip(made) {
        assert_eq!(given["email"], made["email"], "in the order of the request");
    }
    assert_eq!(made.len(), 100);
    let statements = log::statements("batch-of-customers");
    let inserts = statements.iter().filter(|sql| sql.starts_with("INSERT INTO customers"));
    assert_eq!(inserts.count(), 1, "{statements:?}");

    for (items, status, pointer, code) in [
        (vec![customer(100), customer(7)], 409, "/items/1/email", "taken"),
        (vec![customer(100), customer(101), customer(100)], 409, "/items/2/email", "taken"),
        (
            vec![customer(100), json!({"name": "", "email": "a@b.c"})],
            422,
            "/items/1/name",
            "invalid",
        ),
        (vec![], 422, "/items", "invalid"),
        ((100..201).map(customer).collect(), 422, "/items", "invalid"),
    ] {
        let problem = problem(app.post(&batch).json(&json!({"items": items})), status).await;
        assert_eq!(fault(&problem, pointer)["code"], code);
    }
    assert_eq!(app.walk(&format!("{PATH}?limit=100")).await.len(), 100, "nothing was added");
}

#[tokio::test]
async fn what_is_referred_to_stays() {
    let app = TestApp::start().await;
    let customer = app.create(PATH, &customer(0)).await;
    let order = json!({"customer_id": customer["id"], "total": "0.01"});
    app.create("/api/v1/orders", &order).await;
    let path = format!("{PATH}/{}", customer["id"].as_str().unwrap());
    let problem = problem(app.request("DELETE", &path), 409).await;
    assert!(problem["detail"].as_str().unwrap().contains("orders"), "{problem}");
    assert_eq!(send(app.get(&path)).await.status(), 200);
}

#[tokio::test]
async fn invalid_values_are_named() {
    let app = TestApp::start().await;
    for (field, value) in [
        ("name", json!("x".repeat(201))),
        ("name", json!("")),
        ("name", json!("\0")),
        ("email", json!("ada")),
        ("email", json!(format!("{}@example.org", "x".repeat(254)))),
        ("email", json!("a\0@example.org")),
        ("born", json!("2026-02-30")),
        ("born", json!("+12026-01-01")),
    ] {
        let mut body = customer(0);
        body[field] = value;
        let problem = problem(app.post(PATH).json(&body), 422).await;
        fault(&problem, &format!("/{field}"));
    }
}
