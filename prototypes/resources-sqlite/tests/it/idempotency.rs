//! rel.idempotency: a write that is sent twice happens once.

use reqwest::Response;
use serde_json::{Value, json};
use sqlx::Executor;
use tokio::{task::yield_now, time::timeout};

use crate::support::{PATIENCE, TestApp, fault, header, problem, send};

const PATH: &str = "/api/v1/customers";

fn customer(name: &str) -> Value {
    json!({"name": name, "email": format!("{name}@example.org")})
}

async fn count(app: &TestApp) -> i64 {
    let mut db = app.database.connect().await;
    sqlx::query_scalar("SELECT count(*) FROM customers").fetch_one(&mut db).await.unwrap()
}

#[tokio::test]
async fn the_same_key_twice_is_one_row_and_one_answer() {
    let app = TestApp::start().await;
    let write = || app.post(PATH).header("idempotency-key", "k1").json(&customer("ada"));
    let first = send(write()).await;
    let second = send(write()).await;
    assert_eq!(first.headers().get("idempotency-replayed"), None);
    assert_eq!(header(&second, "idempotency-replayed"), "true");
    for name in ["location", "etag", "content-type"] {
        assert_eq!(header(&first, name), header(&second, name));
    }
    assert_ne!(header(&first, "x-request-id"), header(&second, "x-request-id"));
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (201, 201));
    assert_eq!(first.bytes().await.unwrap(), second.bytes().await.unwrap());
    assert_eq!(count(&app).await, 1);
}

#[tokio::test]
async fn a_batch_happens_once_too() {
    let app = TestApp::start().await;
    let items = json!({"items": [customer("ada"), customer("eve")]});
    let path = format!("{PATH}/batch");
    let write = || app.post(&path).header("idempotency-key", "k1").json(&items);
    let answers = [send(write()).await, send(write()).await];
    let [first, second] = answers.map(Response::text);
    assert_eq!(first.await.unwrap(), second.await.unwrap());
    assert_eq!(count(&app).await, 2);
}

#[tokio::test]
async fn many_at_once_are_one_row() {
    let app = TestApp::start().await;
    let writes = (0..8).map(|_| {
        let write = app.post(PATH).header("idempotency-key", "k1").json(&customer("ada"));
        tokio::spawn(async { send(write).await.status().as_u16() })
    });
    let mut made = 0;
    for write in writes.collect::<Vec<_>>() {
        match write.await.unwrap() {
            201 => made += 1,
            status => assert_eq!(status, 409),
        }
    }
    assert!(made > 0);
    assert_eq!(count(&app).await, 1);
}

#[tokio::test]
async fn a_key_stands_for_one_request() {
    let app = TestApp::start().await;
    let with_key = |path: &str| app.post(path).header("idempotency-key", "k1");
    send(with_key(PATH).json(&customer("ada"))).await;
    for other in [
        with_key(PATH).json(&customer("eve")),
        with_key(&format!("{PATH}/batch")).json(&json!({"items": [customer("eve")]})),
    ] {
        fault(&problem(other, 422).await, "/idempotency-key");
    }
    let without = app.post(PATH).json(&customer("eve"));
    assert_eq!(send(without).await.status(), 201);
    let long = "x".repeat(256);
    for key in ["", "two words", &long] {
        let request = app.post(PATH).header("idempotency-key", key).json(&customer("bob"));
        fault(&problem(request, 422).await, "/idempotency-key");
    }
    assert_eq!(count(&app).await, 2);
}

#[tokio::test]
async fn a_write_that_failed_may_be_sent_again() {
    let app = TestApp::start().await;
    let made = app.create(PATH, &customer("ada")).await;
    let write = || app.post(PATH).header("idempotency-key", "k1").json(&customer("ada"));
    problem(write(), 409).await;
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    send(app.request("DELETE", &path)).await;
    let answer = send(write()).await;
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.headers().get("idempotency-replayed"), None);
}

#[tokio::test]
async fn each_client_has_keys_of_its_own() {
    let app = TestApp::with(&[("TRUSTED_PROXIES", "1")]).await;
    for (from, name) in [("192.0.2.1", "ada"), ("192.0.2.2", "eve")] {
        let request = app.post(PATH).header("x-forwarded-for", from);
        let request = request.header("idempotency-key", "k1").json(&customer(name));
        assert_eq!(send(request).await.status(), 201);
    }
    assert_eq!(count(&app).await, 2);
}

#[tokio::test]
async fn answers_are_kept_for_as_long_as_they_are_said_to_be() {
    let app = TestApp::start().await;
    for key in ["old", "new"] {
        let request = app.post(PATH).header("idempotency-key", key).json(&customer(key));
        assert_eq!(send(request).await.status(), 201);
    }
    let mut db = app.database.connect().await;
    let age = "UPDATE idempotency_keys SET created_at = '2020-01-01T00:00:00+00:00'
        WHERE CAST(body AS TEXT) LIKE '%old@%'";
    assert_eq!(db.execute(age).await.unwrap().rows_affected(), 1);
    // Cleans up at its start, and every so often.
    let again = TestApp::with(&[("DATABASE_URL", &app.database.url)]).await;
    let gone = async {
        let left = "SELECT count(*) FROM idempotency_keys";
        while sqlx::query_scalar::<_, i64>(left).fetch_one(&mut db).await.unwrap() > 1 {
            yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("the old one goes");
    let kept = again.post(PATH).header("idempotency-key", "new").json(&customer("new"));
    assert_eq!(header(&send(kept).await, "idempotency-replayed"), "true");
}
