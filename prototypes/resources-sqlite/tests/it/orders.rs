//! Orders, over HTTP and down to the database.

use serde_json::{Value, json};

use crate::support::{TestApp, fault, header, json as body_of, log, problem, send};

const PATH: &str = "/api/v1/orders";
const STATUSES: [&str; 3] = ["draft", "paid", "shipped"];

/// Its customer.
async fn customer(app: &TestApp) -> Value {
    let n = uuid::Uuid::now_v7().simple();
    let customer = json!({"name": "0xxxxxxx", "email": format!("{n}@example.org")});
    app.create("/api/v1/customers", &customer).await["id"].clone()
}

/// Every field, with its `n`th example.
fn order(customer: &Value, n: usize) -> Value {
    json!({
        "customer_id": customer,
        "status": STATUSES[n % 3],
        "total": format!("0.0{}", n % 9 + 1),
        "placed_at": format!("20{:02}-01-31T12:30:00Z", n % 100),
        "note": format!("text {n}"),
        "tags": {"n": n},
        "priority": n % 11,
        "secret_code": format!("planted-{n}"),
    })
}

/// What is required, and no more.
fn bare(customer: &Value) -> Value {
    json!({"customer_id": customer, "total": "0.01"})
}

fn at(order: &Value) -> String {
    format!("{PATH}/{}", order["id"].as_str().unwrap())
}

#[tokio::test]
async fn an_order_is_made_read_replaced_changed_and_deleted() {
    let app = TestApp::start().await;
    let customer = customer(&app).await;
    let response = send(app.post(PATH).json(&order(&customer, 0))).await;
    assert_eq!(response.status(), 201);
    let path = header(&response, "location").to_owned();
    assert_eq!(header(&response, "etag"), "\"1\"");
    let made: Value = response.json().await.unwrap();
    assert_eq!(path, at(&made));
    for (name, value) in order(&customer, 0).as_object().unwrap() {
        if name != "secret_code" {
            assert_eq!(made[name], *value, "{name}");
        }
    }
    assert_eq!(body_of(app.get(&path)).await, made);

    let replaced = body_of(app.request("PUT", &path).json(&order(&customer, 1))).await;
    for (name, value) in order(&customer, 1).as_object().unwrap() {
        if name != "secret_code" {
            assert_eq!(replaced[name], *value, "{name}");
        }
    }
    assert_eq!((&replaced["version"], &replaced["created_at"]), (&2.into(), &made["created_at"]));
    assert_eq!(body_of(app.get(&path)).await, replaced);

    assert_eq!(send(app.request("DELETE", &path)).await.status(), 204);
    problem(app.get(&path), 404).await;
    problem(app.request("DELETE", &path), 404).await;
    problem(app.request("PUT", &path).json(&order(&customer, 0)), 404).await;
    problem(app.request("PATCH", &path).json(&json!({})), 404).await;
    fault(&problem(app.get(&format!("{PATH}/seven")), 422).await, "/id");
}

#[tokio::test]
async fn what_is_left_out_is_as_in_a_new_one() {
    let app = TestApp::start().await;
    let customer = customer(&app).await;
    let made = app.create(PATH, &bare(&customer)).await;
    let filled = app.create(PATH, &order(&customer, 1)).await;
    let emptied = body_of(app.request("PUT", &at(&filled)).json(&bare(&customer))).await;
    for order in [made, emptied] {
        assert_eq!((&order["status"], &order["priority"]), (&"draft".into(), &0.into()));
        for field in ["placed_at", "note", "tags"] {
            assert_eq!(order.get(field), Some(&Value::Null), "{field}");
        }
    }
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_null_empties() {
    let app = TestApp::start().await;
    let customer = customer(&app).await;
    let made = app.create(PATH, &order(&customer, 1)).await;
    for field in ["placed_at", "note", "tags"] {
        let mut expected = body_of(app.get(&at(&made))).await;
        let patch = app.request("PATCH", &at(&made)).json(&json!({field: null}));
        let patch = patch.header("content-type", "application/merge-patch+json");
        let patched = body_of(patch).await;
        expected[field] = Value::Null;
        for own in ["version", "updated_at"] {
            assert_ne!(patched[own], expected[own]);
            expected[own] = patched[own].clone();
        }
        assert_eq!(patched, expected);
    }
    for field in ["customer_id", "status", "total", "priority"] {
        let request = app.request("PATCH", &at(&made)).json(&json!({field: null}));
        let pointer = format!("/{field}");
        assert_eq!(fault(&problem(request, 422).await, &pointer)["code"], "type");
    }
}

#[tokio::test]
async fn a_patch_merges_json_and_what_comes_of_it_is_bounded() {
    let app = TestApp::start().await;
    let made = app.create(PATH, &bare(&customer(&app).await)).await;
    let patch = async |tags: Value| {
        body_of(app.request("PATCH", &at(&made)).json(&json!({"tags": tags}))).await
    };
    patch(json!({"a": 1, "b": {"c": 2, "d": 3}})).await;
    let patched = patch(json!({"a": null, "b": {"c": 4}})).await;
    assert_eq!(patched["tags"], json!({"b": {"c": 4, "d": 3}}));

    patch(json!({"e": "x".repeat(40_000)})).await;
    let more = json!({"tags": {"f": "x".repeat(40_000)}});
    let problem = problem(app.request("PATCH", &at(&made)).json(&more), 422).await;
    fault(&problem, "/tags");
}

#[tokio::test]
async fn a_patch_is_sent_as_one() {
    let app = TestApp::start().await;
    let made = app.create(PATH, &bare(&customer(&app).await)).await;
    for media_type in ["application/json-patch+json", "text/plain"] {
        let request = app.request("PATCH", &at(&made)).header("content-type", media_type);
        problem(request.body("{}"), 415).await;
    }
}

#[tokio::test]
async fn a_write_meant_for_another_version_is_refused() {
    let app = TestApp::start().await;
    let customer = customer(&app).await;
    let made = app.create(PATH, &order(&customer, 0)).await;
    let to =
        |method: &str, tag: &'static str| app.request(method, &at(&made)).header("if-match", tag);
    problem(to("PUT", "\"2\"").json(&order(&customer, 1)), 412).await;
    problem(to("PATCH", "\"2\"").json(&json!({"note": "late"})), 412).await;
    problem(to("DELETE", "\"2\""), 412).await;
    assert_eq!(body_of(app.get(&at(&made))).await, made, "nothing was written");

    let changed = send(to("PATCH", "\"1\"").json(&json!({"note": "in time"}))).await;
    assert_eq!(header(&changed, "etag"), "\"2\"");
    problem(to("PUT", "\"1\"").json(&order(&customer, 1)), 412).await;
    assert_eq!(send(to("PUT", "*").json(&order(&customer, 1))).await.status(), 200);
    assert_eq!(send(to("DELETE", "\"3\"")).await.status(), 204);
}

#[tokio::test]
async fn of_two_writes_for_one_version_one_wins() {
    let app = TestApp::start().await;
    let made = app.create(PATH, &bare(&customer(&app).await)).await;
    let write = async |note: &str| {
        let request = app.request("PATCH", &at(&made)).header("if-match", "\"1\"");
        send(request.json(&json!({"note": note}))).await.status().as_u16()
    };
    let (one, other) = tokio::join!(write("one"), write("other"));
    assert_eq!([one.min(other), one.max(other)], [200, 412]);
}

#[tokio::test]
async fn what_changes_nothing_is_no_new_version() {
    let app = TestApp::start().await;
    let customer = customer(&app).await;
    let made = app.create(PATH, &order(&customer, 0)).await;
    for request in [
        app.request("PUT", &at(&made)).json(&order(&customer, 0)),
        app.request("PATCH", &at(&made)).json(&json!({})),
        app.request("PATCH", &at(&made)).json(&json!({"total": "0.010"})),
    ] {
        assert_eq!(body_of(request).await, made);
    }
}

#[tokio::test]
async fn who_has_the_version_is_not_sent_it_again() {
    let app = TestApp::start().await;
    let made = app.create(PATH, &bare(&customer(&app).await)).await;
    let get = |tag: &'static str| app.get(&at(&made)).header("if-none-match", tag);
    let same = send(get("\"1\"")).await;
    assert_eq!((same.status().as_u16(), header(&same, "etag")), (304, "\"1\""));
    assert_eq!(same.text().await.unwrap(), "");
    assert_eq!(body_of(get("\"0\"")).await, made);
}

#[tokio::test]
async fn a_filter_lets_through_what_it_names() {
    let app = TestApp::start().await;
    let customers = [customer(&app).await, customer(&app).await];
    for n in 0..6 {
        app.create(PATH, &order(&customers[n % 2], n)).await;
    }
    let all = app.walk(&format!("{PATH}?limit=100")).await;
    for field in ["customer_id", "status", "total", "placed_at", "priority"] {
        let value = all[0][field].clone();
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let found = app.walk(&format!("{PATH}?limit=1&{field}={text}")).await;
        let expected = all.iter().filter(|order| order[field] == value);
        assert_eq!(found, expected.cloned().collect::<Vec<_>>(), "{field}");
        assert!(found.len() < all.len(), "{field}");
    }
    let from = all[2]["created_at"].as_str().unwrap();
    assert_eq!(app.walk(&format!("{PATH}?created_at_from={from}")).await, all[..3]);
    assert_eq!(app.walk(&format!("{PATH}?created_at_to={from}")).await, all[3..]);
    let both = format!("{PATH}?status=draft&customer_id={}", customers[0].as_str().unwrap());
    assert_eq!(app.walk(&both).await.len(), 1);
}

#[tokio::test]
async fn a_filter_is_checked_and_an_unknown_one_refused() {
    let app = TestApp::start().await;
    for (query, pointer) in [
        ("status=sent", "/status"),
        ("customer_id=seven", "/customer_id"),
        ("total=1.234", "/total"),
        ("priority=11", "/priority"),
        ("placed_at=today", "/placed_at"),
        ("created_at_from=-262143-01-01T00:00:00Z", "/created_at_from"),
        ("include=secret", "/include"),
        ("secret_code=planted", "/secret_code"),
        ("note=text", "/note"),
        ("offset=1", "/offset"),
    ] {
        fault(&problem(app.get(&format!("{PATH}?{query}")), 422).await, pointer);
    }
}

#[tokio::test]
async fn customers_are_read_along_in_one_statement() {
    let app = TestApp::start().await;
    for n in 0..10 {
        let customer = customer(&app).await;
        app.create(PATH, &order(&customer, n)).await;
        app.create(PATH, &order(&customer, n)).await;
    }
    let request = app.get(&format!("{PATH}?include=customer")).header("x-request-id", "include");
    let page = body_of(request).await;
    for order in page["items"].as_array().unwrap() {
        assert_eq!(order["customer"]["id"], order["customer_id"]);
        assert!(order["customer"]["email"].is_string());
    }
    let statements = log::statements("include");
    assert_eq!(statements.len(), 2, "{statements:?}");
    let page = body_of(app.get(PATH)).await;
    assert_eq!(page["items"][0].get("customer"), None);
}

#[tokio::test]
async fn a_batch_is_one_statement_and_all_or_nothing() {
    let app = TestApp::start().await;
    let customer = customer(&app).await;
    let batch = format!("{PATH}/batch");
    let items: Vec<_> = (0..100).map(|n| order(&customer, n)).collect();
    let request = app.post(&batch).header("x-request-id", "batch-of-orders");
    let made = body_of(request.json(&json!({"items": items}))).await;
    let made = made["items"].as_array().unwrap();
    assert_eq!(made.len(), 100);
    for (given, made) in items.iter().zip(made) {
        assert_eq!(given["note"], made["note"], "in the order of the request");
        assert_eq!(given["tags"], made["tags"]);
    }
    let statements = log::statements("batch-of-orders");
    let inserts = statements.iter().filter(|sql| sql.starts_with("INSERT INTO orders"));
    assert_eq!(inserts.count(), 1, "{statements:?}");

    let good = order(&customer, 0);
    let mut unknown = good.clone();
    unknown["customer_id"] = json!("01890000-0000-7000-8000-000000000001");
    let mut invalid = good.clone();
    invalid["priority"] = json!(11);
    for (items, pointer, code) in [
        (vec![good.clone(), good.clone(), unknown], "/items/2/customer_id", "reference"),
        (vec![good.clone(), invalid], "/items/1/priority", "invalid"),
        (vec![], "/items", "invalid"),
        (vec![good; 101], "/items", "invalid"),
    ] {
        let problem = problem(app.post(&batch).json(&json!({"items": items})), 422).await;
        assert_eq!(fault(&problem, pointer)["code"], code);
    }
    assert_eq!(app.walk(&format!("{PATH}?limit=100")).await.len(), 100, "nothing was added");
}

#[tokio::test]
async fn an_unknown_customer_is_named() {
    let app = TestApp::start().await;
    let made = app.create(PATH, &bare(&customer(&app).await)).await;
    let unknown = json!("01890000-0000-7000-8000-000000000001");
    for request in [
        app.post(PATH).json(&bare(&unknown)),
        app.request("PUT", &at(&made)).json(&bare(&unknown)),
        app.request("PATCH", &at(&made)).json(&json!({"customer_id": unknown})),
    ] {
        let problem = problem(request, 422).await;
        assert_eq!(fault(&problem, "/customer_id")["code"], "reference");
    }
}

#[tokio::test]
async fn invalid_values_are_named() {
    let app = TestApp::start().await;
    let customer = customer(&app).await;
    let made = app.create(PATH, &bare(&customer)).await;
    for (field, value) in [
        ("customer_id", json!("not-a-uuid")),
        ("status", json!("not_draft_paid_shipped")),
        ("total", json!("10000000000.00")),
        ("total", json!("0.001")),
        ("total", json!(1)),
        ("placed_at", json!("2026-02-30T12:00:00Z")),
        ("placed_at", json!("+12026-01-01T00:00:00Z")),
        ("note", json!("\0")),
        ("note", json!("x".repeat(65_537))),
        ("tags", json!({"a": ["\0"]})),
        ("tags", json!({"\0": 1})),
        ("tags", json!([-1.797_693_134_862_315_5e308])),
        ("tags", json!("x".repeat(65_536))),
        ("priority", json!(-1)),
        ("priority", json!(11)),
        ("priority", json!("1")),
        ("secret_code", json!("x".repeat(256))),
        ("id", json!("01890000-0000-7000-8000-000000000001")),
        ("version", json!(7)),
        ("created_at", json!("2026-01-31T12:00:00Z")),
    ] {
        let pointer = format!("/{field}");
        let mut whole = order(&customer, 0);
        whole[field] = value.clone();
        fault(&problem(app.post(PATH).json(&whole), 422).await, &pointer);
        fault(&problem(app.request("PUT", &at(&made)).json(&whole), 422).await, &pointer);
        let patch = app.request("PATCH", &at(&made)).json(&json!({field: value}));
        fault(&problem(patch, 422).await, &pointer);
    }
    assert_eq!(body_of(app.get(&at(&made))).await, made);
}

#[tokio::test]
async fn values_at_the_very_bounds_are_kept() {
    let app = TestApp::start().await;
    let mut order = order(&customer(&app).await, 0);
    order["total"] = json!("9999999999.99");
    order["note"] = json!("ä".repeat(65_536));
    order["secret_code"] = json!("ä".repeat(255));
    order["placed_at"] = json!("9999-12-31T23:59:59.999999Z");
    let made = app.create(PATH, &order).await;
    for field in ["total", "note", "placed_at"] {
        assert_eq!(made[field], order[field], "{field}");
    }
    order["total"] = json!("-9999999999.99");
    order["placed_at"] = json!("0001-01-01T00:00:00Z");
    let made = app.create(PATH, &order).await;
    assert_eq!((&made["total"], &made["placed_at"]), (&order["total"], &order["placed_at"]));
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once() {
    let app = TestApp::start().await;
    let body = json!({"customer_id": 1, "total": 2, "priority": "high", "admin": true});
    let problem = problem(app.post(PATH).json(&body), 422).await;
    for pointer in ["/customer_id", "/total", "/priority", "/admin"] {
        fault(&problem, pointer);
    }
}

#[tokio::test]
async fn what_is_private_never_leaves() {
    let app = TestApp::start().await;
    let customer = customer(&app).await;
    let mut answers = Vec::new();
    let made = send(app.post(PATH).json(&order(&customer, 0))).await.text().await.unwrap();
    let path = at(&serde_json::from_str(&made).unwrap());
    answers.push(made);
    for request in [
        app.post(&format!("{PATH}/batch")).json(&json!({"items": [order(&customer, 0)]})),
        app.request("PUT", &path).json(&order(&customer, 1)),
        app.request("PATCH", &path).json(&json!({"secret_code": "planted"})),
        app.get(&path),
        app.get(&format!("{PATH}?include=customer")),
    ] {
        let response = send(request).await;
        assert!(response.status().is_success());
        answers.push(response.text().await.unwrap());
    }
    for answer in answers {
        assert!(!answer.contains("planted") && !answer.contains("secret_code"), "{answer}");
    }
    let mut db = app.database.connect().await;
    let kept = sqlx::query_scalar::<_, String>("SELECT secret_code FROM orders ORDER BY 1 LIMIT 1");
    assert_eq!(kept.fetch_one(&mut db).await.unwrap(), "planted", "it is kept all the same");
}
