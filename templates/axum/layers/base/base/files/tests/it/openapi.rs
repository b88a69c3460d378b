//! app.openapi: a complete API description, and a documentation page without external resources.

use serde_json::Value;

use crate::support::{
    TestApp, header, json, problem, send,
    service::{app, http::openapi},
};

#[test]
fn the_committed_description_is_current() {
    let committed = include_str!("../../openapi.json");
    assert!(
        committed == openapi::pretty(&app::openapi()),
        "run `cargo run -- openapi > openapi.json`"
    );
}

#[tokio::test]
async fn the_description_is_complete() {
    let app = TestApp::start().await;
    let openapi = json(app.get("/api-docs/openapi.json")).await;
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut ids = Vec::new();
    for (path, item) in openapi["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            ids.push(operation["operationId"].as_str().unwrap());
            assert!(operation["summary"].is_string() && operation["tags"][0].is_string());
            assert!(operation["security"].is_array(), "{path}: neither public nor guarded");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{path}: no success");
            for (status, response) in
                responses.iter().filter(|(status, _)| status.as_str() >= "400")
            {
                assert!(response["content"].is_object(), "{path}: {status} has no content");
            }
            for status in ["406", "500", "504"] {
                assert!(responses.contains_key(status), "{path}: no {status}");
            }
        }
    }
    for (at, id) in ids.iter().enumerate() {
        assert!(!ids[..at].contains(id), "the operation ID {id} is used twice");
    }
    assert!(openapi["paths"]["/api/v1/info"]["get"]["responses"]["429"].is_object());
    references(&openapi, &openapi);
}

/// Every `$ref` resolves.
fn references(value: &Value, root: &Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get("$ref") {
                assert!(root.pointer(target.trim_start_matches('#')).is_some(), "{target}");
            }
            members.values().for_each(|member| references(member, root));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, root)),
        _ => {}
    }
}

#[tokio::test]
async fn the_page_loads_nothing_from_other_hosts() {
    let app = TestApp::start().await;
    assert_eq!(send(app.get("/docs")).await.headers()["location"], "/docs/");
    let page = send(app.get("/docs/")).await.text().await.unwrap();
    let links: Vec<_> = page
        .split(['"', '\''])
        .collect::<Vec<_>>()
        .windows(2)
        .filter(|pair| pair[0].ends_with("src=") || pair[0].ends_with("href="))
        .map(|pair| pair[1].to_owned())
        .collect();
    assert!(links.len() >= 3, "{page}");
    for link in links {
        assert!(!link.contains("//"), "{link} is on another host");
        let path = format!("/docs/{}", link.trim_start_matches("./"));
        let found = send(app.get(&path)).await;
        assert_eq!(
            (found.status().as_u16(), header(&found, "cache-control")),
            (200, "public, max-age=3600")
        );
    }
    let absent = send(app.get("/docs/nothing")).await;
    assert_eq!((absent.status().as_u16(), header(&absent, "cache-control")), (404, "no-store"));
    let settings = send(app.get("/docs/swagger-initializer.js")).await.text().await.unwrap();
    assert!(settings.contains("/api-docs/openapi.json") && settings.contains("\"none\""));
}

#[tokio::test]
async fn the_description_and_the_page_can_be_switched_off() {
    let app = TestApp::with(&[("API_DOCS", "false")]).await;
    for path in ["/docs", "/docs/", "/docs/swagger-initializer.js", "/api-docs/openapi.json"] {
        problem(app.get(path), 404).await;
    }
}
