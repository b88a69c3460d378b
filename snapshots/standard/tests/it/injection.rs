//! sec.injection: input of clients is never part of the text of a statement.

use form_urlencoded::byte_serialize;
use serde_json::{Value, json};

use crate::{
    resources::orders::{body, one},
    support::{json as read, resources::Api, send},
};

const PATH: &str = "/api/v1/orders";

const HOSTILE: &[&str] = &[
    "'",
    "\"",
    "`",
    "\\",
    "';--",
    "' OR 1=1",
    "' OR '1'='1' --",
    "\" OR \"\"=\"",
    "1) OR (1=1",
    "created_at; DROP TABLE orders;--",
    "created_at DESC, (SELECT 1/0)",
    "'; DELETE FROM orders; SELECT '",
    "*/ /*",
    "$1",
    "?1",
    ":id",
    "{}",
    "%",
    "%00",
    "\0",
    "a\0b",
    "\r\n",
    "\u{7f}",
    "\u{2019} OR 1=1",
    "\u{202e}drow",
    "\u{fdd0}\u{10ffff}",
    "Ω≈ç√∫ 你好 🦀",
    "NaN",
    "1e999",
    "99999999999999999999999999",
];

async fn hostile() -> (Api, Value, Vec<String>) {
    let api = Api::start().await;
    let row = one(&api).await;
    let mut texts: Vec<_> = HOSTILE.iter().map(|text| (*text).to_owned()).collect();
    texts.extend(["'", "é", "1"].map(|text| text.repeat(5000)));
    (api, row, texts)
}

/// Asserts that the table still has the row, unchanged.
async fn is_unharmed(api: &Api, row: &Value) {
    let all = api.walk(&format!("{PATH}?limit=100")).await;
    assert!(all.contains(row), "{row} is missing or changed");
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn hostile_query_parameters_match_nothing_or_are_refused() {
    let (api, row, texts) = hostile().await;
    for text in texts.iter().map(|text| encoded(text)) {
        for name in [
            "sort",
            "cursor",
            "limit",
            "include",
            "created_at_from",
            "created_at_to",
            "customer_id",
            "status",
            "total",
            "note",
        ] {
            for query in
                [format!("{name}={text}"), format!("{name}{text}=1"), format!("{text}={name}")]
            {
                let answer = send(api.get(&format!("{PATH}?{query}"))).await;
                let status = answer.status();
                assert!(status == 200 || status.is_client_error(), "{status}: {query}");
                if status == 200 {
                    let found: Value = answer.json().await.unwrap();
                    assert_eq!(found["items"], json!([]), "{query}");
                }
            }
        }
    }
    is_unharmed(&api, &row).await;
}

#[tokio::test]
async fn hostile_path_parameters_are_refused() {
    let (api, row, texts) = hostile().await;
    let other = body(&api, 0).await;
    // In a path, `+` does not encode a space.
    for text in texts.iter().map(|text| encoded(text).replace('+', "%20")) {
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let answer = send(api.request(method, &format!("{PATH}/{text}")).json(&other)).await;
            assert!(answer.status().is_client_error(), "{}: {method} {text}", answer.status());
        }
    }
    is_unharmed(&api, &row).await;
}

#[tokio::test]
async fn hostile_bodies_are_stored_unchanged_or_refused() {
    let (api, row, texts) = hostile().await;
    let good = body(&api, 0).await;
    let path = format!("{PATH}/{}", one(&api).await["id"].as_str().unwrap());
    for text in &texts {
        for name in good.as_object().unwrap().keys() {
            let answer = send(api.request("PATCH", &path).json(&json!({name: text}))).await;
            let status = answer.status();
            assert!(status == 200 || status.is_client_error(), "{status}: {name} {text}");
            if status == 200 {
                let shown: Value = answer.json().await.unwrap();
                assert!(shown.get(name).is_none_or(|shown| shown == text), "{name}: {shown}");
                assert_eq!(read(api.get(&path)).await, shown);
            }
        }
        let answer = send(api.request("PATCH", &path).json(&json!({text: text}))).await;
        assert!(answer.status().is_client_error(), "{}: {text}", answer.status());
    }
    is_unharmed(&api, &row).await;
}
