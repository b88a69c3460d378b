//! sec.auth: every replica refuses a session whose end was answered, even if Redis is down or has lost its
//! data.

use serde_json::{Value, json};
use tokio::{task::yield_now, time::timeout};
use uuid::Uuid;

use crate::support::{
    PATIENCE, TestApp, json as read, problem,
    proxy::Proxy,
    redis::{self, Server},
    send,
    service::http::server::Stop,
};

/// A session that has just begun.
struct Session {
    access_token: String,
    id: Uuid,
}

impl Session {
    async fn begin(app: &TestApp) -> Self {
        let account =
            json!({"username": "ada", "email": "ada@example.com", "password": "correct horse"});
        send(app.post("/auth/register").json(&account)).await;
        let credentials = json!({"email": "ada@example.com", "password": "correct horse"});
        let tokens: Value = read(app.post("/auth/login").json(&credentials)).await;
        let access_token = tokens["access_token"].as_str().unwrap().to_owned();
        let id = app.state.auth.verify(&access_token).unwrap().session;
        Self { access_token, id }
    }

    async fn status(&self, app: &TestApp) -> u16 {
        send(app.get("/api/v1/users/me").bearer_auth(&self.access_token)).await.status().as_u16()
    }

    async fn end(&self, app: &TestApp) {
        let logout = app.post("/auth/logout").bearer_auth(&self.access_token);
        assert_eq!(send(logout).await.status(), 204);
    }

    fn mark(&self, prefix: &str) -> String {
        format!("{prefix}:session:{}", self.id)
    }
}

/// Starts another replica with the settings of `app`, overridden by `settings`.
async fn beside(app: &TestApp, settings: &[(&str, &str)]) -> TestApp {
    let all: Vec<_> = app.settings.iter().chain(settings.iter().copied()).collect();
    TestApp::with(&all).await
}

async fn life(key: &str) -> i64 {
    redis::command(&["PTTL", key]).await
}

#[tokio::test]
async fn a_request_of_an_active_session_needs_no_query() {
    let prefix = redis::prefix();
    let app = TestApp::with(&[("CACHE_PREFIX", prefix)]).await;
    let (known, unknown) = (Session::begin(&app).await, Session::begin(&app).await);
    assert_eq!(known.status(&app).await, 200);
    let trusted = life(&known.mark(prefix)).await;
    assert!((1..=30_000).contains(&trusted), "{trusted}");
    app.state.db.close().await;
    assert!(app.state.auth.role(known.id).await.unwrap().is_some());
    assert!(
        app.state.auth.role(unknown.id).await.is_err(),
        "an unknown session needs the database"
    );
}

#[tokio::test]
async fn an_ended_session_is_marked_for_the_lifetime_of_its_tokens() {
    let prefix = redis::prefix();
    let app = TestApp::with(&[("CACHE_PREFIX", prefix)]).await;
    let other = beside(&app, &[]).await;
    let session = Session::begin(&app).await;
    for app in [&app, &other] {
        assert_eq!(session.status(app).await, 200);
    }
    session.end(&app).await;
    assert_eq!(session.status(&other).await, 401);
    let denied = life(&session.mark(prefix)).await;
    assert!((900_000..=906_000).contains(&denied), "{denied}");
    other.state.db.close().await;
    assert_eq!(session.status(&other).await, 401, "a marked session needs no query");
}

#[tokio::test]
async fn a_missing_or_invalid_mark_admits_no_ended_session() {
    let prefix = redis::prefix();
    let app = TestApp::with(&[("CACHE_PREFIX", prefix)]).await;
    let (ended, living) = (Session::begin(&app).await, Session::begin(&app).await);
    ended.end(&app).await;
    for garbage in [None, Some(["SET", "nonsense"]), Some(["SET", ""]), Some(["LPUSH", "ended"])] {
        for (session, status) in [(&ended, 401), (&living, 200)] {
            let mark = session.mark(prefix);
            redis::command::<()>(&["DEL", &mark]).await;
            if let Some([command, value]) = garbage {
                redis::command::<()>(&[command, &mark, value]).await;
            }
            assert_eq!(session.status(&app).await, status, "{garbage:?}");
        }
    }
}

#[tokio::test]
async fn without_redis_an_ended_session_is_refused_at_once() {
    let (proxy, url) = redis::proxy().await;
    let app = TestApp::with(&[("REDIS_URL", &url), ("CACHE_PAUSE", "10ms")]).await;
    let other = beside(&app, &[]).await;
    let session = Session::begin(&app).await;
    for app in [&app, &other] {
        assert_eq!(session.status(app).await, 200);
    }
    proxy.cut();
    session.end(&app).await;
    for app in [&app, &other] {
        assert_eq!(session.status(app).await, 401);
    }
}

/// One replica loses its connection to Redis; the other one keeps it and trusts the marks there.
#[tokio::test]
async fn an_end_that_redis_has_missed_is_repeated() {
    let prefix = redis::prefix();
    let (proxy, url) = redis::proxy().await;
    let settings = [("REDIS_URL", url.as_str()), ("CACHE_PREFIX", prefix), ("CACHE_PAUSE", "10ms")];
    let cut_off = TestApp::with(&settings).await;
    let other = beside(&cut_off, &[("REDIS_URL", redis::url())]).await;
    let session = Session::begin(&other).await;
    assert_eq!(session.status(&other).await, 200);
    let mark = session.mark(prefix);
    // The mark must not expire during the test.
    assert!(redis::command::<bool>(&["PEXPIRE", &mark, "3600000"]).await);
    proxy.cut();
    session.end(&cut_off).await;
    proxy.restore();
    let wait = async {
        while session.status(&other).await != 401 {
            yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.expect("the other replica refuses the session");
}

/// The answer of the database is lost, and it ends the session all the same, some time later.
#[tokio::test]
async fn an_end_that_the_database_has_not_answered_is_seen_by_all_replicas() {
    let prefix = redis::prefix();
    let settings = [("CACHE_PREFIX", prefix), ("DATABASE_ACQUIRE_TIMEOUT", "50ms")];
    let app = TestApp::with(&settings).await;
    let other = beside(&app, &[("DATABASE_ACQUIRE_TIMEOUT", "10s")]).await;
    let session = Session::begin(&app).await;
    for app in [&app, &other] {
        assert_eq!(session.status(app).await, 200);
    }
    let held = [app.state.db.acquire().await.unwrap(), app.state.db.acquire().await.unwrap()];
    let logout = app.post("/auth/logout").bearer_auth(&session.access_token);
    problem(logout, (503, "unavailable")).await;
    drop(held);
    assert_eq!(session.status(&other).await, 200, "it has not ended yet");
    let mark = session.mark(prefix);
    // The mark must not expire during the test.
    let _: bool = redis::command(&["PEXPIRE", &mark, "3600000"]).await;
    let end = "UPDATE auth_sessions SET ended_at = begun_at";
    sqlx::query(end).execute(&other.state.db).await.unwrap();
    for app in [&app, &other] {
        let ended = async {
            while session.status(app).await != 401 {
                yield_now().await;
            }
        };
        timeout(PATIENCE, ended).await.expect("the session has ended");
    }
}

/// The session changes between the query of the database and its result.
#[tokio::test]
async fn a_change_during_a_query_is_not_overwritten() {
    let prefix = redis::prefix();
    let (proxy, url) = redis::proxy().await;
    let settings = [
        ("REDIS_URL", url.as_str()),
        ("CACHE_PREFIX", prefix),
        ("DATABASE_ACQUIRE_TIMEOUT", "30s"),
    ];
    let app = TestApp::with(&settings).await;
    let session = Session::begin(&app).await;
    for change in ["ask", "ended"] {
        let held = [app.state.db.acquire().await.unwrap(), app.state.db.acquire().await.unwrap()];
        let before = proxy.sent();
        let asked = tokio::spawn({
            let (state, id) = (app.state.clone(), session.id);
            async move { state.auth.role(id).await }
        });
        let wait = async {
            while proxy.sent() == before {
                yield_now().await;
            }
        };
        timeout(PATIENCE, wait).await.expect("Redis is queried first");
        let mark = session.mark(prefix);
        redis::command::<()>(&["SET", &mark, change, "PX", "60000"]).await;
        drop(held);
        asked.await.unwrap().unwrap();
        assert_eq!(redis::command::<String>(&["GET", &mark]).await, change);
        redis::command::<()>(&["DEL", &mark]).await;
    }
}

/// One replica changes a role while it cannot reach Redis; the other one keeps its connection.
#[tokio::test]
async fn a_change_of_role_that_redis_has_missed_is_repeated() {
    let prefix = redis::prefix();
    let (proxy, url) = redis::proxy().await;
    let settings = [("REDIS_URL", url.as_str()), ("CACHE_PREFIX", prefix), ("CACHE_PAUSE", "10ms")];
    let cut_off = TestApp::with(&settings).await;
    let other = beside(&cut_off, &[("REDIS_URL", redis::url())]).await;
    let session = Session::begin(&other).await;
    let promote = "UPDATE users SET role = 'admin'";
    sqlx::query(promote).execute(&other.state.db).await.unwrap();
    let list = |app: &TestApp| app.get("/api/v1/users").bearer_auth(&session.access_token);
    let users = read(list(&other)).await;
    let path = format!("/api/v1/users/{}", users["items"][0]["id"].as_str().unwrap());
    let mark = session.mark(prefix);
    // The mark must not expire during the test.
    assert!(redis::command::<bool>(&["PEXPIRE", &mark, "3600000"]).await);
    let second =
        json!({"username": "root", "email": "root@example.com", "password": "correct horse"});
    send(other.post("/auth/register").json(&second)).await;
    let promote = "UPDATE users SET role = 'admin' WHERE username = 'root'";
    sqlx::query(promote).execute(&other.state.db).await.unwrap();

    proxy.cut();
    let demote = cut_off.request("PATCH", &path).bearer_auth(&session.access_token);
    assert_eq!(send(demote.json(&json!({"role": "user"}))).await.status(), 200);
    problem(list(&cut_off), (403, "forbidden")).await;
    proxy.restore();
    let wait = async {
        while send(list(&other)).await.status() != 403 {
            yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.expect("the other replica sees the role");
}

#[tokio::test]
async fn a_redis_that_restarts_empty_admits_no_ended_session() {
    let first = Server::start().await;
    let proxy = Proxy::to(first.addr.clone()).await;
    let url = format!("redis://{}", proxy.addr);
    let app = TestApp::with(&[("REDIS_URL", &url), ("CACHE_PAUSE", "10ms")]).await;
    let other = beside(&app, &[]).await;
    let (before, during) = (Session::begin(&app).await, Session::begin(&app).await);
    before.end(&app).await;
    assert_eq!(during.status(&other).await, 200);
    first.kill().await;
    during.end(&app).await;
    let second = Server::start().await;
    for session in [&before, &during] {
        assert_eq!(session.status(&other).await, 401, "while Redis is down");
    }
    proxy.lead_to(second.addr.clone());
    let back = async { while read(other.get("/health/ready")).await["status"] != "ok" {} };
    timeout(PATIENCE, back).await.expect("Redis is up again");
    for session in [&before, &during] {
        assert_eq!(session.status(&other).await, 401, "after Redis has restarted");
    }
    problem(other.get("/api/v1/users/me"), (401, "unauthenticated")).await;
    second.kill().await;
}

#[tokio::test]
async fn the_rate_limit_of_auth_routes_is_shared_by_all_replicas() {
    let app = TestApp::with(&[("AUTH_RATE_LIMIT_PER_MINUTE", "2")]).await;
    let other = beside(&app, &[]).await;
    let spend = |app: &TestApp| app.post("/auth/refresh").json(&json!({"refresh_token": "x"}));
    problem(spend(&app), (401, "unauthenticated")).await;
    problem(spend(&other), (401, "unauthenticated")).await;
    for app in [&app, &other] {
        problem(spend(app), 429).await;
    }
}

#[tokio::test]
async fn shutdown_tells_of_the_sessions_that_have_ended() {
    let prefix = redis::prefix();
    let (proxy, url) = redis::proxy().await;
    let settings = [("CACHE_PREFIX", prefix), ("CACHE_PAUSE", "1h")];
    let other = TestApp::with(&settings).await;
    let mut app = beside(&other, &[("REDIS_URL", url.as_str())]).await;
    let session = Session::begin(&other).await;
    assert_eq!(session.status(&other).await, 200);
    proxy.cut();
    session.end(&app).await;
    proxy.restore();
    app.stop(Stop::Now);
    app.ended().await;
    assert_eq!(session.status(&other).await, 401);
}
