//! rel.idempotency: a repeated write takes effect once.

use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use tokio::{task::yield_now, time::timeout};

use crate::{
    resources::categories::body,
    support::{
        PATIENCE, TestApp,
        database::Database,
        header, problem,
        resources::{Api, account, fault},
        send,
        service::{auth::users::Role, db},
    },
};

const PATH: &str = "/api/v1/categories";

/// A request that creates a category with an idempotency key.
fn write(api: &Api, key: &str, body: &Value) -> RequestBuilder {
    api.post(PATH).header("idempotency-key", key).json(body)
}

fn is_replayed(answer: &Response) -> bool {
    answer.headers().get("idempotency-replayed").is_some_and(|value| value == "true")
}

async fn count(api: &Api) -> usize {
    api.walk(&format!("{PATH}?limit=100")).await.len()
}

#[tokio::test]
async fn a_repeated_key_creates_one_row_and_repeats_the_response() {
    let api = Api::start().await;
    let body = body(&api, 0).await;
    let first = send(write(&api, "k1", &body)).await;
    let second = send(write(&api, "k1", &body)).await;
    assert!(!is_replayed(&first) && is_replayed(&second));
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (201, 201));
    for name in ["location", "etag", "content-type"] {
        assert_eq!(header(&first, name), header(&second, name));
    }
    assert_ne!(header(&first, "x-request-id"), header(&second, "x-request-id"));
    assert_eq!(first.bytes().await.unwrap(), second.bytes().await.unwrap());
    assert_eq!(count(&api).await, 1);
}

#[tokio::test]
async fn a_repeated_batch_takes_effect_once() {
    let api = Api::start().await;
    let items = json!({"items": [body(&api, 0).await, body(&api, 1).await]});
    let path = format!("{PATH}/batch");
    let write = || api.post(&path).header("idempotency-key", "k1").json(&items);
    let (first, second) = (send(write()).await, send(write()).await);
    assert!(!is_replayed(&first) && is_replayed(&second));
    assert_eq!(first.bytes().await.unwrap(), second.bytes().await.unwrap());
    assert_eq!(count(&api).await, 2);
}

#[tokio::test]
async fn concurrent_requests_with_one_key_create_one_row() {
    let api = Api::with(&[("DATABASE_ACQUIRE_TIMEOUT", "30s")]).await;
    let body = body(&api, 0).await;
    let answers = join_all((0..8).map(|_| send(write(&api, "k1", &body)))).await;
    let made = answers.iter().filter(|answer| answer.status() == 201);
    assert_eq!(made.filter(|answer| !is_replayed(answer)).count(), 1);
    // The other requests arrive during or after the first one.
    assert!(answers.iter().all(|answer| [201, 409].contains(&answer.status().as_u16())));
    assert_eq!(count(&api).await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_one_request() {
    let api = Api::start().await;
    let [first, second] = [body(&api, 0).await, body(&api, 1).await];
    assert_eq!(send(write(&api, "k1", &first)).await.status(), 201);
    let batch = api.post(&format!("{PATH}/batch")).header("idempotency-key", "k1");
    for other in [write(&api, "k1", &second), batch.json(&json!({"items": [second]}))] {
        fault(&problem(other, 422).await, "/idempotency-key");
    }
    assert_eq!(send(api.post(PATH).json(&second)).await.status(), 201, "without a key");
    for key in ["", "two words", &"x".repeat(256)] {
        fault(&problem(write(&api, key, &second), 422).await, "/idempotency-key");
    }
    assert_eq!(count(&api).await, 2);
}

#[tokio::test]
async fn a_failed_write_can_be_retried() {
    let api = Api::start().await;
    let only_one = "CREATE UNIQUE INDEX only_one ON categories ((version + 0))";
    sqlx::query(only_one).execute(&api.state.db).await.unwrap();
    let first = api.create(PATH, &body(&api, 0).await).await;
    let second = body(&api, 1).await;
    problem(write(&api, "k1", &second), (409, "conflict")).await;
    let path = format!("{PATH}/{}", first["id"].as_str().unwrap());
    assert_eq!(send(api.request("DELETE", &path)).await.status(), 204);
    let again = send(write(&api, "k1", &second)).await;
    assert_eq!(again.status(), 201);
    assert!(!is_replayed(&again));
}

#[tokio::test]
async fn a_write_whose_response_cannot_be_stored_is_rolled_back() {
    let api = Api::start().await;
    let only_one = "CREATE UNIQUE INDEX only_one ON http_idempotency_keys (length(hash))";
    sqlx::query(only_one).execute(&api.state.db).await.unwrap();
    assert_eq!(send(write(&api, "k1", &body(&api, 0).await)).await.status(), 201);
    problem(write(&api, "k2", &body(&api, 1).await), (409, "conflict")).await;
    assert_eq!(count(&api).await, 1);
}

#[tokio::test]
async fn each_account_has_its_own_keys() {
    let api = Api::start().await;
    let (_, eve) = account(&api, "eve", Role::Admin).await;
    assert_eq!(send(write(&api, "k1", &body(&api, 0).await)).await.status(), 201);
    let hers = TestApp::post(&api, PATH).bearer_auth(eve).header("idempotency-key", "k1");
    let answer = send(hers.json(&body(&api, 1).await)).await;
    assert_eq!(answer.status(), 201);
    assert!(!is_replayed(&answer));
}

#[tokio::test]
async fn a_retry_during_the_first_request_gets_409() {
    let api = Api::start().await;
    let body = body(&api, 0).await;
    let mut held = api.settings.database.pool().begin().await.unwrap();
    let lock = "LOCK TABLE categories IN SHARE MODE";
    sqlx::query(lock).execute(&mut *held).await.unwrap();
    let first = tokio::spawn(send(write(&api, "k1", &body)));
    api.blocked("INSERT", 1).await;
    problem(write(&api, "k1", &body), (409, "in-progress")).await;
    held.rollback().await.unwrap();
    assert_eq!(first.await.unwrap().status(), 201);
    assert!(is_replayed(&send(write(&api, "k1", &body)).await));
    assert_eq!(count(&api).await, 1);
}

#[tokio::test]
async fn a_write_that_loses_its_connection_is_rolled_back() {
    let api = Api::start().await;
    let body = body(&api, 0).await;
    let pool = api.settings.database.pool();
    // Blocks after the row is written, before the response is stored.
    let mut held = pool.begin().await.unwrap();
    let lock = "LOCK TABLE http_idempotency_keys IN SHARE MODE";
    sqlx::query(lock).execute(&mut *held).await.unwrap();
    let first = tokio::spawn(send(write(&api, "k1", &body)));
    let pid = api.blocked("INSERT", 1).await[0];
    let cut = sqlx::query("SELECT pg_terminate_backend($1, 10000)").bind(pid);
    cut.execute(&mut *held).await.unwrap();
    assert_eq!(first.await.unwrap().status(), 503);
    held.rollback().await.unwrap();
    assert_eq!(count(&api).await, 0);
    let again = send(write(&api, "k1", &body)).await;
    assert_eq!(again.status(), 201);
    assert!(!is_replayed(&again));
}

#[tokio::test]
async fn stored_responses_expire_after_their_ttl() {
    let api = Api::start().await;
    let [old, new] = [body(&api, 0).await, body(&api, 1).await];
    let db = &api.state.db;
    let mut made = Vec::new();
    for (key, body, age) in [("old", &old, 90), ("new", &new, 30)] {
        made.push(send(write(&api, key, body)).await);
        let kept_at = Utc::now() - TimeDelta::minutes(age);
        let age = "UPDATE http_idempotency_keys SET kept_at = $1
            WHERE kept_at = (SELECT max(kept_at) FROM http_idempotency_keys)";
        assert_eq!(sqlx::query(age).bind(kept_at).execute(db).await.unwrap().rows_affected(), 1);
    }
    // A replica deletes expired keys at its start.
    let settings = [("DATABASE_URL", api.settings.database.url()), ("IDEMPOTENCY_TTL", "1h")];
    let _other = TestApp::with(&settings).await;
    let gone = async {
        let left = "SELECT count(*) FROM http_idempotency_keys";
        while sqlx::query_scalar::<_, i64>(left).fetch_one(db).await.unwrap() > 1 {
            yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("the expired key is deleted");
    assert!(is_replayed(&send(write(&api, "new", &new)).await));
    send(api.request("DELETE", header(&made[0], "location"))).await;
    assert!(!is_replayed(&send(write(&api, "old", &old)).await));
}

/// A single statement would exceed its time limit, and delete nothing.
#[tokio::test]
async fn old_keys_are_deleted_in_batches() {
    let database = Database::new().await;
    let pool = database.pool();
    let row = |n| format!("('{n:064}', '{n:064}', '{{}}', '2020-01-01 00:00:00+00:00')");
    let rows = (0..1200).map(row);
    let rows = rows.collect::<Vec<_>>().join(", ");
    let insert = "INSERT INTO http_idempotency_keys (hash, fingerprint, answer, kept_at) VALUES ";
    sqlx::raw_sql(AssertSqlSafe(format!("{insert} {rows}"))).execute(&pool).await.unwrap();
    let limit = "
        CREATE FUNCTION at_most_500() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF (SELECT count(*) FROM gone) > 500 THEN RAISE 'too many'; END IF; RETURN NULL; END $$;
        CREATE TRIGGER at_most_500 AFTER DELETE ON http_idempotency_keys
            REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION at_most_500()";
    sqlx::raw_sql(limit).execute(&pool).await.unwrap();
    let _app = TestApp::with(&[("DATABASE_URL", database.url())]).await;
    let deleted = async {
        let count = "SELECT count(*) FROM http_idempotency_keys";
        while sqlx::query_scalar::<_, i64>(count).fetch_one(&pool).await.unwrap() > 0 {
            yield_now().await;
        }
    };
    timeout(PATIENCE, deleted).await.expect("the clean-up deletes all old keys");
}

#[tokio::test]
async fn of_several_replicas_one_cleans_up() {
    let app = TestApp::start().await;
    let begin = async || db::begin_alone(&app.state.db, "test_clean_up").await.unwrap();
    let first = begin().await.expect("no replica does it");
    assert!(begin().await.is_none(), "another replica does it");
    drop(first);
    timeout(PATIENCE, async { while begin().await.is_none() {} })
        .await
        .expect("the next one does it");
}
