//! cache.invalidate: a write leaves no stale entry, regardless of its answer.

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::{
    task::{JoinHandle, yield_now},
    time::timeout,
};

use crate::{
    resources::categories::body,
    support::{
        PATIENCE, database::postgres::proxy::Proxy, resources::Api, send, service::cache::Key,
    },
};

const PATH: &str = "/api/v1/categories";

/// A write of each kind.
struct Write {
    name: &'static str,
    request: RequestBuilder,
    /// The command tags with which PostgreSQL answers it; the last one says that it has taken effect.
    tags: &'static [&'static str],
    /// The row that it changes; `None` if it creates rows.
    row: Option<String>,
}

async fn writes(api: &Api) -> Vec<Write> {
    let mut writes = Vec::new();
    for (n, name) in (0..).zip(["PUT", "PATCH", "DELETE", "batch update"]) {
        let row = api.create(PATH, &body(api, n).await).await;
        let at = format!("{PATH}/{}", row["id"].as_str().unwrap());
        let changed = body(api, 10 + n).await;
        let tags: &[_] =
            if name == "DELETE" { &["DELETE 1", "COMMIT"] } else { &["UPDATE 1", "COMMIT"] };
        let request = match name {
            "batch update" => {
                let batch = json!({"ids": [row["id"]], "changes": changed});
                api.request("PATCH", &format!("{PATH}/batch")).json(&batch)
            }
            "DELETE" => api.request(name, &at),
            method => api.request(method, &at).json(&changed),
        };
        writes.push(Write { name, request, tags, row: Some(at) });
    }
    let request = api.post(PATH).json(&body(api, 20).await);
    writes.push(Write { name: "create", request, tags: &["INSERT 0 1"], row: None });
    let items = json!({"items": [body(api, 21).await]});
    let request = api.post(&format!("{PATH}/batch")).json(&items);
    let tags = &["INSERT 0 1", "COMMIT"];
    writes.push(Write { name: "batch create", request, tags, row: None });
    writes
}

/// The version of the row, or the number of rows, through the cache; `None` where it cannot be read.
async fn state(api: &Api, write: &Write) -> Option<u64> {
    let Some(at) = &write.row else {
        let load = async || {
            let count = sqlx::query_scalar("SELECT count(*) FROM categories");
            count.fetch_one(&api.state.db).await.map_err(drop)
        };
        let key = Key::list("categories", "count");
        let count: i64 = api.state.cache.list_or_load(&key, load).await.ok()?;
        return u64::try_from(count).ok();
    };
    let response = send(api.get(at)).await;
    match response.status().as_u16() {
        200 => response.json::<Value>().await.unwrap()["version"].as_u64(),
        404 => Some(0),
        _ => None,
    }
}

/// Sends each write through a proxy that withholds the answer of the database, lets `fail` happen, and
/// waits until every replica reads what was written.
async fn each_write(settings: &[(&str, &str)], fail: impl AsyncFn(&Proxy, JoinHandle<Response>)) {
    let api = Api::start().await;
    let proxy = Proxy::before(&api.settings.database).await;
    let cut_off = api.beside(&[settings, &[("DATABASE_URL", &proxy.url)]].concat()).await;
    for write in writes(&cut_off).await {
        let readers = [&cut_off, &api];
        let mut before = Vec::new();
        for reader in readers {
            before.push(state(reader, &write).await.unwrap());
        }
        proxy.withhold(write.tags);
        let request = tokio::spawn(send(write.request.try_clone().unwrap()));
        proxy.withheld().await;
        fail(&proxy, request).await;
        for (reader, before) in readers.into_iter().zip(before) {
            let written = async {
                while state(reader, &write).await.is_none_or(|state| state == before) {
                    yield_now().await;
                }
            };
            let name = write.name;
            timeout(PATIENCE, written).await.unwrap_or_else(|_| panic!("{name}: a stale entry"));
        }
        proxy.deliver();
    }
}

#[tokio::test]
async fn a_write_whose_client_has_left_leaves_no_stale_entry() {
    each_write(&[], async |_, request| {
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
    })
    .await;
}

#[tokio::test]
async fn a_write_whose_deadline_has_passed_leaves_no_stale_entry() {
    each_write(&[("REQUEST_TIMEOUT", "2s")], async |_, request| {
        assert_eq!(request.await.unwrap().status(), 504);
    })
    .await;
}

#[tokio::test]
async fn a_write_whose_commit_is_not_answered_leaves_no_stale_entry() {
    each_write(&[], async |proxy, request| {
        proxy.cut();
        assert_eq!(request.await.unwrap().status(), 503);
        proxy.restore();
    })
    .await;
}
