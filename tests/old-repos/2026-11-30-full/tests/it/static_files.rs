//! perf.static: files with a version that clients can ask by.

use crate::support::{TestApp, header, problem, send};

#[tokio::test]
async fn a_file_comes_with_its_type_etag_and_age() {
    let app = TestApp::with(&[("STATIC_MAX_AGE", "2h")]).await;
    let response = send(app.get("/static/favicon.svg")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "image/svg+xml");
    assert_eq!(header(&response, "cache-control"), "public, max-age=7200");
    assert!(header(&response, "etag").starts_with("W/\""));
}

#[tokio::test]
async fn a_file_that_is_known_is_not_sent_again() {
    let app = TestApp::start().await;
    let etag = header(&send(app.get("/static/favicon.svg")).await, "etag").to_owned();
    let again = send(app.get("/static/favicon.svg").header("if-none-match", &etag)).await;
    assert_eq!(again.status(), 304);
    assert_eq!(header(&again, "etag"), etag);
    assert!(again.bytes().await.unwrap().is_empty());
    let changed = send(app.get("/static/favicon.svg").header("if-none-match", "\"old\"")).await;
    assert_eq!(changed.status(), 200);
}

#[tokio::test]
async fn no_path_leads_out_of_the_folder() {
    let app = TestApp::start().await;
    problem(app.get("/static/%2e%2e%2fCargo.toml"), 404).await;
}
