//! Orders: every operation, over HTTP and with the database.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::{
    header, json as read, problem,
    resources::{Api, fault},
    send, statements,
};

const PATH: &str = "/api/v1/orders";
/// Returns the `n`th valid body to create an order with. Creates the resources that it refers to. Nullable references are null.
pub async fn body(api: &Api, n: u32) -> Value {
    json!({
        "product_id": super::products::one(api).await["id"],
        "status": (["draft", "paid", "shipped"][n as usize % 3]),
        "quantity": 1 + i64::from(n) % 1000,
        "placed_at": format!("20{:02}-01-31T12:30:00Z", n % 100),
        "ship_by": format!("20{:02}-01-31", n % 100),
        "contact": format!("ada{n}@example.org"),
        "tracking": format!("01890000-0000-7000-8000-{n:012x}"),
        "gift": n.is_multiple_of(2),
        "type": (["retail", "wholesale"][n as usize % 2]),
        "tags": {"n": n},
        "note": n.to_string(),
    })
}

/// Creates an order with values that no test below uses.
#[allow(dead_code, reason = "for resources that refer to it")]
pub async fn one(api: &Api) -> Value {
    static NEXT: AtomicU32 = AtomicU32::new(500);
    api.create(PATH, &body(api, NEXT.fetch_add(1, Ordering::Relaxed)).await).await
}

fn at(row: &Value) -> String {
    format!("{PATH}/{}", row["id"].as_str().unwrap())
}

/// Asserts that `row` shows the values of `body`, without private fields.
fn shows(row: &Value, body: &Value) {
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(row[name], *value, "{name}");
    }
}

#[tokio::test]
async fn an_order_is_created_read_replaced_and_deleted() {
    let api = Api::start().await;
    let first = body(&api, 0).await;
    let response = send(api.post(PATH).json(&first)).await;
    assert_eq!(response.status(), 201);
    let path = header(&response, "location").to_owned();
    assert_eq!(header(&response, "etag"), "\"1\"");
    let made: Value = response.json().await.unwrap();
    assert_eq!(path, at(&made));
    shows(&made, &first);
    assert_eq!(made["owner_id"], json!(api.user));
    assert_eq!(read(api.get(&path)).await, made);

    let second = body(&api, 1).await;
    let replaced = read(api.request("PUT", &path).json(&second)).await;
    shows(&replaced, &second);
    assert_eq!((&replaced["version"], &replaced["created_at"]), (&json!(2), &made["created_at"]));
    assert_eq!(read(api.get(&path)).await, replaced);

    assert_eq!(send(api.request("DELETE", &path)).await.status(), 204);
    problem(api.get(&path), 404).await;
    problem(api.request("DELETE", &path), 404).await;
    problem(api.request("PUT", &path).json(&first), 404).await;
    problem(api.request("PATCH", &path).json(&json!({})), 404).await;
    fault(&problem(api.get(&format!("{PATH}/seven")), 422).await, "/id");
}

#[tokio::test]
async fn omitted_fields_take_their_defaults() {
    let api = Api::start().await;
    let filled = one(&api).await;
    let mut bare = body(&api, 1).await;
    bare.as_object_mut().unwrap().remove("status");
    bare.as_object_mut().unwrap().remove("quantity");
    bare.as_object_mut().unwrap().remove("placed_at");
    bare.as_object_mut().unwrap().remove("ship_by");
    bare.as_object_mut().unwrap().remove("tracking");
    bare.as_object_mut().unwrap().remove("gift");
    bare.as_object_mut().unwrap().remove("type");
    bare.as_object_mut().unwrap().remove("tags");
    bare.as_object_mut().unwrap().remove("note");
    let made = api.create(PATH, &bare).await;
    send(api.request("DELETE", &at(&made))).await;
    let emptied = read(api.request("PUT", &at(&filled)).json(&bare)).await;
    for row in [made, emptied] {
        assert_eq!(row["status"], json!("draft"));
        assert_eq!(row["quantity"], json!(1));
        assert!(row["placed_at"].is_string());
        assert_eq!(row.get("ship_by"), Some(&Value::Null));
        assert_eq!(row.get("tracking"), Some(&Value::Null));
        assert_eq!(row["gift"], json!(false));
        assert_eq!(row.get("type"), Some(&Value::Null));
        assert_eq!(row.get("tags"), Some(&Value::Null));
        assert_eq!(row.get("note"), Some(&Value::Null));
    }
}

/// Private fields, which no response has shown to the client, and times of creation.
#[tokio::test]
async fn a_replacement_keeps_the_fields_that_it_omits_and_cannot_know() {
    let api = Api::start().await;
    let made = api.create(PATH, &body(&api, 0).await).await;
    let stored = async || {
        let mut stored = Vec::new();
        for column in ["placed_at"] {
            let value = format!("SELECT CAST({column} AS TEXT) FROM {}", "orders");
            let value = sqlx::query_scalar::<_, Option<String>>(AssertSqlSafe(value));
            stored.push(value.fetch_one(&api.state.db).await.unwrap());
        }
        stored
    };
    let before = stored().await;
    let full = body(&api, 1).await;
    let mut shown = full.clone();
    shown.as_object_mut().unwrap().retain(|name, _| !["placed_at"].contains(&name.as_str()));
    let replaced = read(api.request("PUT", &at(&made)).json(&shown)).await;
    shows(&replaced, &shown);
    assert_eq!(stored().await, before);
    let again = read(api.request("PUT", &at(&made)).json(&shown)).await;
    assert_eq!(again, replaced, "the same request once more changes nothing");
    assert_eq!(send(api.request("PUT", &at(&made)).json(&full)).await.status(), 200);
    assert_ne!(stored().await, before, "values that are given are stored");
}

#[tokio::test]
async fn a_patch_changes_the_given_fields_and_null_clears() {
    let api = Api::start().await;
    let made = api.create(PATH, &body(&api, 0).await).await;
    let other = body(&api, 1).await;
    for (name, value) in other.as_object().unwrap() {
        let patch = api.request("PATCH", &at(&made)).json(&json!({name: value}));
        let patch = patch.header("content-type", "application/merge-patch+json");
        shows(&read(patch).await, &json!({name: value}));
    }
    shows(&read(api.get(&at(&made))).await, &other);
    let patch = api.request("PATCH", &at(&made)).json(&json!({"product_id": null}));
    assert_eq!(fault(&problem(patch, 422).await, "/product_id")["code"], "type");
    let patch = api.request("PATCH", &at(&made)).json(&json!({"status": null}));
    assert_eq!(fault(&problem(patch, 422).await, "/status")["code"], "type");
    let patch = api.request("PATCH", &at(&made)).json(&json!({"quantity": null}));
    assert_eq!(fault(&problem(patch, 422).await, "/quantity")["code"], "type");
    let patch = api.request("PATCH", &at(&made)).json(&json!({"placed_at": null}));
    assert_eq!(fault(&problem(patch, 422).await, "/placed_at")["code"], "type");
    let patch = api.request("PATCH", &at(&made)).json(&json!({"ship_by": null}));
    assert_eq!(read(patch).await.get("ship_by"), Some(&Value::Null));
    let patch = api.request("PATCH", &at(&made)).json(&json!({"contact": null}));
    assert_eq!(fault(&problem(patch, 422).await, "/contact")["code"], "type");
    let patch = api.request("PATCH", &at(&made)).json(&json!({"tracking": null}));
    assert_eq!(read(patch).await.get("tracking"), Some(&Value::Null));
    let patch = api.request("PATCH", &at(&made)).json(&json!({"gift": null}));
    assert_eq!(fault(&problem(patch, 422).await, "/gift")["code"], "type");
    let patch = api.request("PATCH", &at(&made)).json(&json!({"type": null}));
    assert_eq!(read(patch).await.get("type"), Some(&Value::Null));
    let patch = api.request("PATCH", &at(&made)).json(&json!({"tags": null}));
    assert_eq!(read(patch).await.get("tags"), Some(&Value::Null));
    let patch = api.request("PATCH", &at(&made)).json(&json!({"note": null}));
    assert_eq!(read(patch).await.get("note"), Some(&Value::Null));
    for media_type in ["application/json-patch+json", "text/plain"] {
        let patch = api.request("PATCH", &at(&made)).header("content-type", media_type);
        problem(patch.body("{}"), 415).await;
    }
}

/// Creates 30 rows, which are too large to be read together, and returns their IDs.
async fn large(api: &Api) -> Vec<Value> {
    let mut ids = Vec::new();
    for n in 0..30 {
        let mut large = body(api, n).await;
        large["tags"] = json!({"text": "x".repeat(60_000)});
        ids.push(api.create(PATH, &large).await["id"].clone());
    }
    ids
}

#[tokio::test]
async fn a_batch_of_large_rows_is_refused() {
    let api = Api::start().await;
    let ids = large(&api).await;
    let change = |ids: &[Value]| {
        let changes = json!({"ids": ids, "changes": {}});
        api.request("PATCH", &format!("{PATH}/batch")).json(&changes)
    };
    fault(&problem(change(&ids), 422).await, "/ids");
    assert_eq!(send(change(&ids[..10])).await.status(), 200);
}

#[tokio::test]
async fn a_page_of_large_rows_ends_early() {
    let api = Api::start().await;
    large(&api).await;
    let page = read(api.get(&format!("{PATH}?limit=100"))).await;
    let shown = page["items"].as_array().unwrap().len();
    assert!((1..30).contains(&shown) && page["next_cursor"].is_string(), "{shown}");
    assert_eq!(api.walk(&format!("{PATH}?limit=100")).await.len(), 30);
}

/// PostgreSQL writes 1e16 as an integer, and no change is no new version.
#[tokio::test]
async fn json_numbers_of_any_size_are_kept() {
    let api = Api::start().await;
    let mut large = body(&api, 0).await;
    large["tags"] = json!({"n": [1e15, 1e16, -1.5e17, 1.234_567_890_123_456_7e18, 1e20, 1e300, 0.1, 1e-7, u64::MAX]});
    let made = api.create(PATH, &large).await;
    for method in ["PUT", "PATCH"] {
        let again = read(api.request(method, &at(&made)).json(&large)).await;
        assert_eq!(again["version"], made["version"], "{method}");
        let numbers = |row: &Value| {
            row["tags"]["n"].as_array().unwrap().iter().map(Value::as_f64).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&again), numbers(&large));
    }
}

#[tokio::test]
async fn a_patch_merges_json_up_to_the_size_limit() {
    let api = Api::start().await;
    let made = api.create(PATH, &body(&api, 0).await).await;
    let patch = |value: Value| api.request("PATCH", &at(&made)).json(&json!({"tags": value}));
    read(patch(json!({"n": null, "a": 1, "b": {"c": 2, "d": 3}}))).await;
    let patched = read(patch(json!({"a": null, "b": {"c": 4}}))).await;
    assert_eq!(patched["tags"], json!({"b": {"c": 4, "d": 3}}));
    assert_eq!(send(patch(json!({"e": "x".repeat(40_000)}))).await.status(), 200);
    let more = problem(patch(json!({"f": "x".repeat(40_000)})), 422).await;
    fault(&more, "/tags");
}

#[tokio::test]
async fn a_write_with_a_stale_etag_is_refused() {
    let api = Api::start().await;
    let made = api.create(PATH, &body(&api, 0).await).await;
    let other = body(&api, 1).await;
    let to =
        |method: &str, tag: &'static str| api.request(method, &at(&made)).header("if-match", tag);
    problem(to("PUT", "\"2\"").json(&other), 412).await;
    problem(to("PATCH", "\"2\"").json(&other), 412).await;
    problem(to("DELETE", "\"2\""), 412).await;
    problem(to("GET", "\"2\""), 412).await;
    let put = api.request("PUT", &at(&made)).header("if-none-match", "*");
    problem(put.json(&other), 412).await;
    assert_eq!(read(api.get(&at(&made))).await, made, "nothing was written");

    let changed = send(to("PATCH", "\"1\"").json(&other)).await;
    assert_eq!(header(&changed, "etag"), "\"2\"");
    problem(to("PUT", "\"1\"").json(&other), 412).await;
    assert_eq!(send(to("DELETE", "*")).await.status(), 204);
}

#[tokio::test]
async fn a_write_without_effect_keeps_the_version() {
    let api = Api::start().await;
    let first = body(&api, 0).await;
    let made = api.create(PATH, &first).await;
    assert_eq!(read(api.request("PUT", &at(&made)).json(&first)).await, made);
    assert_eq!(read(api.request("PATCH", &at(&made)).json(&json!({}))).await, made);
    let get = |tag: &'static str| api.get(&at(&made)).header("if-none-match", tag);
    let same = send(get("\"1\"")).await;
    assert_eq!((same.status().as_u16(), header(&same, "etag")), (304, "\"1\""));
    assert_eq!(read(get("\"0\"")).await, made);

    // Finer than what is stored.
    let mut fine = first.clone();
    fine["placed_at"] = json!("2026-01-31T12:30:00.1234567Z");
    let put = async || read(api.request("PUT", &at(&made)).json(&fine)).await;
    assert_eq!(put().await, put().await);
}

#[tokio::test]
async fn a_filter_returns_matching_rows() {
    let api = Api::start().await;
    for n in 0..6 {
        api.create(PATH, &body(&api, n).await).await;
    }
    let all = api.walk(&format!("{PATH}?limit=100")).await;
    assert_eq!(all.len(), 6);
    for field in [
        "owner_id",
        "product_id",
        "status",
        "quantity",
        "placed_at",
        "ship_by",
        "contact",
        "tracking",
        "gift",
        "type",
    ] {
        let value = &all[0][field];
        // A filter cannot match null.
        let Some(text) =
            value.as_str().map(str::to_owned).or((!value.is_null()).then(|| value.to_string()))
        else {
            continue;
        };
        let found = api.walk(&format!("{PATH}?limit=1&{field}={}", text.replace('+', "%2B"))).await;
        let expected = all.iter().filter(|one| one[field] == *value);
        assert_eq!(found, expected.cloned().collect::<Vec<_>>(), "{field}");
    }
    let from = all[2]["created_at"].as_str().unwrap();
    assert_eq!(api.walk(&format!("{PATH}?created_at_from={from}")).await, all[..3]);
    assert_eq!(api.walk(&format!("{PATH}?created_at_to={from}")).await, all[3..]);
}

#[tokio::test]
async fn invalid_query_parameters_are_refused() {
    let api = Api::start().await;
    for (query, pointer) in [
        ("limit=0", "/limit"),
        ("limit=101", "/limit"),
        ("sort=version", "/sort"),
        ("sort=id;--", "/sort"),
        ("cursor=x", "/cursor"),
        ("_offset=1", "/_offset"),
        ("created_at_from=today", "/created_at_from"),
        ("include=everything", "/include"),
        ("owner_id=~", "/owner_id"),
        ("product_id=~", "/product_id"),
        ("status=~", "/status"),
        ("quantity=~", "/quantity"),
        ("placed_at=~", "/placed_at"),
        ("ship_by=~", "/ship_by"),
        ("tracking=~", "/tracking"),
        ("gift=~", "/gift"),
        ("type=~", "/type"),
        ("tags=x", "/tags"),
        ("note=x", "/note"),
    ] {
        fault(&problem(api.get(&format!("{PATH}?{query}")), 422).await, pointer);
    }
}

#[tokio::test]
async fn the_owner_is_included_with_one_query() {
    let api = Api::start().await;
    for n in 0..4 {
        api.create(PATH, &body(&api, n).await).await;
    }
    let request = api.get(&format!("{PATH}?include=owner"));
    let (response, statements) = statements::of(&api, request).await;
    let page: Value = response.json().await.unwrap();
    let items = page["items"].as_array().unwrap();
    assert!(items.iter().any(|item| item["owner"].is_object()), "{page}");
    for item in items.iter().filter(|item| item["owner"].is_object()) {
        assert_eq!(item["owner"]["id"], item["owner_id"]);
    }
    let selects = statements.iter().filter(|sql| {
        sql.starts_with("SELECT") && (sql.contains("orders") || sql.contains("users"))
    });
    assert_eq!(selects.count(), 2);
    assert_eq!(read(api.get(PATH)).await["items"][0].get("owner"), None);
}

#[tokio::test]
async fn the_product_is_included_with_one_query() {
    let api = Api::start().await;
    for n in 0..4 {
        api.create(PATH, &body(&api, n).await).await;
    }
    let request = api.get(&format!("{PATH}?include=product"));
    let (response, statements) = statements::of(&api, request).await;
    let page: Value = response.json().await.unwrap();
    let items = page["items"].as_array().unwrap();
    assert!(items.iter().any(|item| item["product"].is_object()), "{page}");
    for item in items.iter().filter(|item| item["product"].is_object()) {
        assert_eq!(item["product"]["id"], item["product_id"]);
    }
    let selects = statements.iter().filter(|sql| {
        sql.starts_with("SELECT") && (sql.contains("orders") || sql.contains("products"))
    });
    assert_eq!(selects.count(), 2);
    assert_eq!(read(api.get(PATH)).await["items"][0].get("product"), None);
}

/// Each item of the response has a copy of one included row, or a separate row.
#[tokio::test]
async fn a_page_with_a_large_product_in_each_item_ends_early() {
    for own in [false, true] {
        let api = Api::start().await;
        let mut ids = Vec::new();
        for n in 0..30 {
            if own || ids.is_empty() {
                let mut large = super::products::body(&api, n).await;
                large["details"] = json!({"text": "x".repeat(60_000)});
                ids.push(api.create("/api/v1/products", &large).await["id"].clone());
            }
            let mut body = body(&api, n).await;
            body["product_id"] = ids.last().unwrap().clone();
            api.create(PATH, &body).await;
        }
        let path = format!("{PATH}?limit=100&include=product");
        let page = read(api.get(&path)).await;
        let shown = page["items"].as_array().unwrap().len();
        assert!((1..30).contains(&shown) && page["next_cursor"].is_string(), "{shown}");
        let all = api.walk(&path).await;
        assert_eq!(all.len(), 30);
        assert!(all.iter().all(|item| item["product"]["id"] == item["product_id"]));
    }
}

#[tokio::test]
async fn a_batch_is_created_in_one_statement_all_or_none() {
    let api = Api::start().await;
    let batch = format!("{PATH}/batch");
    let mut items = Vec::new();
    for n in 0..20 {
        items.push(body(&api, n).await);
    }
    let request = api.post(&batch).json(&json!({"items": items}));
    let (response, statements) = statements::of(&api, request).await;
    assert_eq!(response.status(), 201);
    let made: Value = response.json().await.unwrap();
    let made = made["items"].as_array().unwrap();
    assert_eq!(made.len(), items.len());
    for (made, given) in made.iter().zip(&items) {
        shows(made, given);
        assert_eq!(read(api.get(&at(made))).await, *made);
    }
    let inserts =
        statements.iter().filter(|sql| sql.starts_with("INSERT INTO") && sql.contains("orders"));
    assert_eq!(inserts.count(), 1);

    let before = api.walk(&format!("{PATH}?limit=100")).await.len();
    let good = body(&api, 200).await;
    let mut bad = body(&api, 201).await;
    bad["product_id"] = json!("not-a-uuid");
    let refused = problem(api.post(&batch).json(&json!({"items": [good, bad]})), 422).await;
    fault(&refused, "/items/1/product_id");
    // Serde would read the fields by position.
    let array = json!(good.as_object().unwrap().values().collect::<Vec<_>>());
    fault(&problem(api.post(&batch).json(&json!({"items": [array]})), 422).await, "/items/0");
    for items in [vec![], vec![good; 101]] {
        fault(&problem(api.post(&batch).json(&json!({"items": items})), 422).await, "/items");
    }
    assert_eq!(api.walk(&format!("{PATH}?limit=100")).await.len(), before, "nothing was added");
}

#[tokio::test]
async fn a_batch_is_updated_in_one_statement_all_or_none() {
    let api = Api::start().await;
    let batch = format!("{PATH}/batch");
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(api.create(PATH, &body(&api, n).await).await["id"].clone());
    }
    // In another order than at creation, and cached before the write.
    ids.reverse();
    for id in &ids {
        read(api.get(&format!("{PATH}/{}", id.as_str().unwrap()))).await;
    }
    // Several rows cannot share the value of a unique field.
    let mut changes = body(&api, 50).await;
    changes.as_object_mut().unwrap().retain(|name, _| {
        [
            "product_id",
            "status",
            "quantity",
            "placed_at",
            "ship_by",
            "contact",
            "gift",
            "type",
            "tags",
            "note",
        ]
        .contains(&name.as_str())
    });
    let request = api.request("PATCH", &batch).json(&json!({"ids": ids, "changes": changes}));
    let (response, statements) = statements::of(&api, request).await;
    assert_eq!(response.status(), 200);
    let updated: Value = response.json().await.unwrap();
    let updated = updated["items"].as_array().unwrap();
    assert_eq!(
        updated.iter().map(|row| &row["id"]).collect::<Vec<_>>(),
        ids.iter().collect::<Vec<_>>()
    );
    for row in updated {
        shows(row, &changes);
        assert_eq!(read(api.get(&at(row))).await, *row);
    }
    let writes = statements.iter().filter(|sql| sql.contains("UPDATE orders\n"));
    assert_eq!(writes.count(), 1);

    // An edit without effect makes no new version.
    let again = api.request("PATCH", &batch).json(&json!({"ids": ids, "changes": changes}));
    assert_eq!(read(again).await["items"], json!(updated));

    let unknown = json!("01890000-0000-7000-8000-000000000001");
    let change = |ids: Value, changes: Value| {
        api.request("PATCH", &batch).json(&json!({"ids": ids, "changes": changes}))
    };
    let refused = problem(change(json!([ids[0], unknown]), changes.clone()), 422).await;
    assert_eq!(fault(&refused, "/ids/1")["code"], "reference");
    fault(&problem(change(json!([]), json!({})), 422).await, "/ids");
    fault(&problem(change(json!([ids[0], ids[0]]), json!({})), 422).await, "/ids");
    fault(&problem(change(json!(vec![unknown; 101]), json!({})), 422).await, "/ids");
    fault(&problem(change(json!(ids), json!({"version": 7})), 422).await, "/changes/version");
    let invalid = json!({"product_id": "not-a-uuid"});
    fault(&problem(change(json!(ids), invalid), 422).await, "/changes/product_id");
    let conditional = change(json!(ids), json!({})).header("if-match", "\"2\"");
    fault(&problem(conditional, 422).await, "/if-match");
    for row in updated {
        assert_eq!(read(api.get(&at(row))).await, *row, "nothing was written");
    }
}

#[tokio::test]
async fn an_unknown_product_is_refused() {
    let api = Api::start().await;
    let made = api.create(PATH, &body(&api, 0).await).await;
    let mut lost = body(&api, 1).await;
    let good = body(&api, 2).await;
    lost["product_id"] = json!("01890000-0000-7000-8000-000000000001");
    for (request, pointer) in [
        (api.post(PATH).json(&lost), "/product_id"),
        (
            api.post(&format!("{PATH}/batch")).json(&json!({"items": [good, lost]})),
            "/items/1/product_id",
        ),
        (api.request("PUT", &at(&made)).json(&lost), "/product_id"),
        (
            api.request("PATCH", &at(&made)).json(&json!({"product_id": lost["product_id"]})),
            "/product_id",
        ),
        (
            api.request("PATCH", &format!("{PATH}/batch"))
                .json(&json!({"ids": [made["id"]], "changes": {"product_id": lost["product_id"]}})),
            "/changes/product_id",
        ),
    ] {
        assert_eq!(fault(&problem(request, 422).await, pointer)["code"], "reference");
    }
}

#[tokio::test]
async fn a_duplicate_tracking_is_refused() {
    let api = Api::start().await;
    let first = api.create(PATH, &body(&api, 0).await).await;
    let second = api.create(PATH, &body(&api, 1).await).await;
    let mut same = body(&api, 2).await;
    same["tracking"] = first["tracking"].clone();
    let good = body(&api, 3).await;
    for (request, pointer) in [
        (api.post(PATH).json(&same), "/tracking"),
        (
            api.post(&format!("{PATH}/batch")).json(&json!({"items": [good, same]})),
            "/items/1/tracking",
        ),
        (api.request("PUT", &at(&second)).json(&same), "/tracking"),
        (
            api.request("PATCH", &at(&second)).json(&json!({"tracking": same["tracking"]})),
            "/tracking",
        ),
        (
            api.request("PATCH", &format!("{PATH}/batch"))
                .json(&json!({"ids": [second["id"]], "changes": {"tracking": same["tracking"]}})),
            "/changes/tracking",
        ),
    ] {
        assert_eq!(fault(&problem(request, (409, "taken")).await, pointer)["code"], "taken");
    }
}

#[tokio::test]
async fn invalid_values_are_refused() {
    let api = Api::start().await;
    let good = body(&api, 0).await;
    let made = api.create(PATH, &good).await;
    for (field, value) in [
        ("id", json!("01890000-0000-7000-8000-000000000001")),
        ("version", json!(7)),
        ("owner_id", json!("01890000-0000-7000-8000-000000000001")),
        ("product_id", json!("not-a-uuid")),
        ("status", json!("not_draft_paid_shipped")),
        ("quantity", json!(0)),
        ("placed_at", json!("2026-02-30T12:00:00Z")),
        ("placed_at", json!("+12026-01-01T00:00:00Z")),
        ("ship_by", json!("2026-02-30")),
        ("contact", json!("ada")),
        ("tracking", json!("not-a-uuid")),
        ("gift", json!("many")),
        ("type", json!("not_retail_wholesale")),
        ("tags", json!({"a": ["\0"]})),
        ("note", json!("\u{0}")),
    ] {
        let pointer = format!("/{field}");
        let mut bad = good.clone();
        bad[field] = value.clone();
        fault(&problem(api.post(PATH).json(&bad), 422).await, &pointer);
        fault(&problem(api.request("PUT", &at(&made)).json(&bad), 422).await, &pointer);
        let patch = api.request("PATCH", &at(&made)).json(&json!({field: value}));
        fault(&problem(patch, 422).await, &pointer);
    }
    assert_eq!(read(api.get(&at(&made))).await, made);
}
