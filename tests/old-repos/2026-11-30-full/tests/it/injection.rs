//! sec.injection: whatever a client sends is a value, and never a part of a statement.

use form_urlencoded::byte_serialize;
use serde_json::{Value, json};

use crate::{
    resources::categories::{body, one},
    support::{json as read, resources::Api, send},
};

const PATH: &str = "/api/v1/categories";

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
    "created_at; DROP TABLE categories;--",
    "created_at DESC, (SELECT 1/0)",
    "'; DELETE FROM categories; SELECT '",
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

/// That the table, and what was in it, is as before.
async fn is_unharmed(api: &Api, row: &Value) {
    let all = api.walk(&format!("{PATH}?limit=100")).await;
    assert!(all.contains(row), "{row} is gone, or another");
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn in_a_query_it_is_looked_for_or_refused() {
    let (api, row, texts) = hostile().await;
    for text in texts.iter().map(|text| encoded(text)) {
        for name in [
            "sort",
            "cursor",
            "limit",
            "include",
            "created_at_from",
            "created_at_to",
            "name",
            "parent_id",
            "rank",
            "visible",
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
async fn in_a_path_it_is_no_id() {
    let (api, row, texts) = hostile().await;
    let other = body(&api, 0).await;
    // Spaces in a path are no `+`.
    for text in texts.iter().map(|text| encoded(text).replace('+', "%20")) {
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let answer = send(api.request(method, &format!("{PATH}/{text}")).json(&other)).await;
            assert!(answer.status().is_client_error(), "{}: {method} {text}", answer.status());
        }
    }
    is_unharmed(&api, &row).await;
}

#[tokio::test]
async fn in_a_body_it_is_kept_as_it_is_or_refused() {
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
