//! Versions: a write cannot overwrite a change that its client has not read.

use serde_json::Value;

use crate::{
    resources::categories::body,
    support::{header, resources::Api, send},
};

const PATH: &str = "/api/v1/categories";

#[tokio::test]
async fn of_two_concurrent_writes_of_one_version_one_succeeds() {
    let api = Api::start().await;
    let made = api.create(PATH, &body(&api, 0).await).await;
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    let bodies = [body(&api, 1).await, body(&api, 2).await];
    let write = |body: &Value| {
        let request = api.request("PUT", &path).header("if-match", "\"1\"");
        tokio::spawn(send(request.json(body)))
    };
    // Both writes must begin before either ends.
    let mut held = api.settings.database.pool().begin().await.unwrap();
    let lock = "SELECT id FROM categories FOR UPDATE";
    sqlx::query(lock).execute(&mut *held).await.unwrap();
    let writes = bodies.each_ref().map(write);
    api.blocked("SELECT", 2).await;
    held.rollback().await.unwrap();
    let mut statuses = Vec::new();
    for write in writes {
        statuses.push(write.await.unwrap().status().as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

/// The tag of a compressed response names its version, too.
#[tokio::test]
async fn a_version_read_in_gzip_can_be_changed() {
    let api = Api::with(&[("COMPRESSION_MIN_BYTES", "1")]).await;
    let made = api.create(PATH, &body(&api, 0).await).await;
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    let read = send(api.get(&path).header("accept-encoding", "gzip")).await;
    let tag = header(&read, "etag");
    assert_eq!(tag, "\"1-gzip\"");
    assert_eq!(send(api.get(&path).header("if-none-match", tag)).await.status(), 304);
    let write = api.request("PUT", &path).header("if-match", tag).json(&body(&api, 1).await);
    assert_eq!(send(write).await.status(), 200);
    assert_eq!(send(api.get(&path).header("if-none-match", tag)).await.status(), 200);
}
