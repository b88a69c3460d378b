//! perf.static: static files have an `ETag`, and clients can revalidate them.

use crate::support::{TestApp, header, problem, send};

#[tokio::test]
async fn a_file_has_its_media_type_etag_and_max_age() {
    let app = TestApp::with(&[("STATIC_MAX_AGE", "2h")]).await;
    let response = send(app.get("/static/favicon.svg")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "image/svg+xml");
    assert_eq!(header(&response, "cache-control"), "public, max-age=7200");
    assert!(header(&response, "etag").starts_with("W/\""));
}

#[tokio::test]
async fn an_unchanged_file_is_not_sent_again() {
    let app = TestApp::start().await;
    let etag = header(&send(app.get("/static/favicon.svg")).await, "etag").to_owned();
    let again = send(app.get("/static/favicon.svg").header("if-none-match", &etag)).await;
    assert_eq!(again.status(), 304);
    assert_eq!((header(&again, "etag"), header(&again, "vary")), (&*etag, "accept-encoding"));
    assert!(again.bytes().await.unwrap().is_empty());
    let changed = send(app.get("/static/favicon.svg").header("if-none-match", "\"old\"")).await;
    assert_eq!(changed.status(), 200);
}

#[tokio::test]
async fn a_path_cannot_leave_the_folder() {
    let app = TestApp::start().await;
    problem(app.get("/static/%2e%2e%2fCargo.toml"), 404).await;
}
