//! cache.aside, app.ratelimit: during an outage of Redis the service responds without delay, and
//! the rate limit holds.

use std::time::Duration;

use opentelemetry::trace::{SpanId, SpanKind, Status};
use serde_json::Value;
use tokio::{task::yield_now, time::timeout};
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{
    PATIENCE, Process, TestApp, json, problem,
    redis::{self, Server},
    send,
    service::{cache::Key, http::server::Stop, redis::FAILURES, telemetry::traces},
    spans,
};

/// Waits until readiness reports `status`.
async fn ready(app: &TestApp, status: &str) {
    let wait = async {
        while json(app.get("/health/ready")).await["status"] != status {
            yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never {status}"));
}

#[tokio::test]
async fn the_service_is_degraded_and_recovers_by_itself() {
    let (proxy, url) = redis::proxy().await;
    let app = TestApp::with(&[("REDIS_URL", &url), ("CACHE_PAUSE", "10ms")]).await;
    ready(&app, "ok").await;
    proxy.cut();
    ready(&app, "degraded").await;
    assert_eq!(send(app.get("/health/ready")).await.status(), 200);
    proxy.restore();
    ready(&app, "ok").await;
}

#[tokio::test]
async fn a_call_is_a_span_of_its_request_and_says_when_it_fails() {
    let (proxy, url) = redis::proxy().await;
    let app = TestApp::with(&[("REDIS_URL", &url)]).await;
    let (provider, mut spans) = spans::record();
    let layer = traces::layer(&provider);
    // The runtime of this test has one thread, so the subscriber sees every call.
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let call = || app.state.redis.clone().ping().instrument(tracing::info_span!("request"));
    call().await.unwrap();
    proxy.cut();
    call().await.unwrap_err();
    for failed in [false, true] {
        let mut call = spans::named(&mut spans, "SET").await;
        // The health check of the service calls as well, outside of any request.
        while call.parent_span_id == SpanId::INVALID {
            call = spans::named(&mut spans, "SET").await;
        }
        let request = spans::named(&mut spans, "request").await;
        assert_eq!(call.span_kind, SpanKind::Client);
        assert_eq!(call.parent_span_id, request.span_context.span_id());
        assert_eq!(matches!(call.status, Status::Error { .. }), failed);
    }
}

#[tokio::test]
async fn the_service_starts_without_redis_and_limits_requests_alone() {
    let (proxy, url) = redis::proxy().await;
    proxy.cut();
    let settings =
        [("REDIS_URL", url.as_str()), ("RATE_LIMIT_PER_MINUTE", "2"), ("CACHE_PAUSE", "1h")];
    let app = TestApp::with(&settings).await;
    for _ in 0..2 {
        assert_eq!(
            send(app.get("/api/v1/info")).await.status(),
            200,
            "the outage refuses no request"
        );
    }
    problem(app.get("/api/v1/info"), 429).await;
}

#[tokio::test]
async fn few_requests_wait_for_a_redis_that_hangs() {
    let (proxy, url) = redis::proxy().await;
    proxy.hang();
    let settings = [("REDIS_URL", url.as_str()), ("CACHE_TIMEOUT", "50ms"), ("CACHE_PAUSE", "1h")];
    let service = Process::start(&settings).await;
    for _ in 0..20 {
        assert_eq!(send(service.get("/api/v1/info")).await.status(), 200);
    }
    assert_eq!(service.metric("rate_limit_fallbacks_total").await, 20);
    // The health check asks again and again.
    let errors = service.metric("redis_errors_total").await;
    assert!((3..10).contains(&errors), "the circuit breaker is open: {errors}");
    assert_eq!(service.metric("redis_up").await, 0);
}

/// A replica, as the old primary is after a failover; and a user who may only read.
#[tokio::test]
async fn a_redis_that_refuses_writes_is_logged_counted_and_reported() {
    let server = Server::start().await;
    let user = ["ACL", "SETUSER", "reader", "on", "nopass", "~*", "+@read", "+@connection"];
    server.command(&user).await;
    let urls = [
        format!("redis://reader:any@{}", server.addr),
        // Last, because it makes the whole server read-only.
        format!("redis://{}", server.addr),
    ];
    for url in urls {
        if !url.contains('@') {
            server.command(&["REPLICAOF", "127.0.0.1", "1"]).await;
        }
        let settings = [("REDIS_URL", url.as_str()), ("CACHE_TIMEOUT", "10s")];
        let service = Process::start(&settings).await;
        assert_eq!(send(service.get("/api/v1/info")).await.status(), 200);
        assert!(service.metric("redis_refusals_total").await > 0);
        assert!(service.metric("rate_limit_fallbacks_total").await > 0);
        assert_eq!(json(service.get("/health/ready")).await["status"], "degraded");
        service.signal("TERM").await;
        let (_, log) = service.ended().await;
        let said = |line: &Value| {
            line["message"].as_str().is_some_and(|text| text.contains("refuses commands"))
        };
        assert!(log.iter().any(said), "{url}");
    }
    server.kill().await;
}

#[tokio::test]
async fn replicas_share_the_budget_again_after_an_outage() {
    let (proxy, url) = redis::proxy().await;
    let settings = [
        ("REDIS_URL", url.as_str()),
        ("CACHE_PREFIX", redis::prefix()),
        ("CACHE_PAUSE", "10ms"),
        ("RATE_LIMIT_PER_MINUTE", "1"),
    ];
    let (one, other) = (TestApp::with(&settings).await, TestApp::with(&settings).await);
    proxy.cut();
    assert_eq!(send(one.get("/api/v1/info")).await.status(), 200);
    problem(one.get("/api/v1/info"), 429).await;
    proxy.restore();
    ready(&one, "ok").await;
    ready(&other, "ok").await;
    assert_eq!(send(one.get("/api/v1/info")).await.status(), 200, "the shared budget is full");
    problem(other.get("/api/v1/info"), 429).await;
}

/// The peer of a connection can vanish without closing it, for example in a power failure.
#[tokio::test]
async fn a_connection_whose_peer_has_vanished_is_replaced() {
    let (proxy, url) = redis::proxy().await;
    let settings =
        [("REDIS_URL", url.as_str()), ("CACHE_TIMEOUT", "500ms"), ("CACHE_PAUSE", "10ms")];
    let app = TestApp::with(&settings).await;
    ready(&app, "ok").await;
    proxy.lose_connections();
    ready(&app, "degraded").await;
    ready(&app, "ok").await;
}

/// As a server behind TLS, far away.
#[tokio::test]
async fn a_handshake_may_take_longer_than_a_call() {
    let (proxy, url) = redis::proxy().await;
    proxy.delay_handshakes(Duration::from_millis(700));
    let settings =
        [("REDIS_URL", url.as_str()), ("CACHE_TIMEOUT", "100ms"), ("CACHE_PAUSE", "1ms")];
    let app = TestApp::with(&settings).await;
    // The circuit breaker opens before the handshake ends.
    let connected = async { while app.state.redis.clone().ping().await.is_err() {} };
    timeout(PATIENCE, connected).await.expect("the service connects");
}

/// Reads through the cache; a load returns `now`.
async fn get(app: &TestApp, now: &str) -> String {
    let load = async || Ok::<_, ()>(Some(now.to_owned()));
    app.state.cache.get_or_load(&Key::entity("things", 1), load).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_failed_read_of_the_cache_loads_the_value() {
    for fail in [super::support::proxy::Proxy::cut, super::support::proxy::Proxy::hang] {
        let (proxy, url) = redis::proxy().await;
        let settings =
            [("REDIS_URL", url.as_str()), ("CACHE_TIMEOUT", "200ms"), ("CACHE_PAUSE", "1h")];
        let app = TestApp::with(&settings).await;
        get(&app, "first").await;
        fail(&proxy);
        for _ in 0..20 {
            assert_eq!(get(&app, "now").await, "now");
        }
    }
}

#[tokio::test]
async fn an_invalidation_that_redis_has_missed_is_repeated() {
    let (proxy, url) = redis::proxy().await;
    let prefix = redis::prefix();
    let cut_off = [("REDIS_URL", url.as_str()), ("CACHE_PREFIX", prefix), ("CACHE_PAUSE", "10ms")];
    let (app, other) =
        (TestApp::with(&cut_off).await, TestApp::with(&[("CACHE_PREFIX", prefix)]).await);
    assert_eq!(get(&app, "old").await, "old");
    assert_eq!(get(&other, "new").await, "old", "the entry is in Redis");
    proxy.cut();
    app.state.cache.invalidate("things", [1]).await;
    proxy.restore();
    ready(&app, "ok").await;
    assert_eq!(get(&app, "new").await, "new", "this process does not read the stale entry");
    let wait = async { while get(&other, "new").await != "new" {} };
    timeout(PATIENCE, wait).await.expect("the other replica reads the new value");
}

/// The circuit breaker is still open when the service stops, and Redis answers again.
#[tokio::test]
async fn shutdown_makes_the_invalidations_that_are_owed() {
    let (proxy, url) = redis::proxy().await;
    let prefix = redis::prefix();
    let cut_off = [("REDIS_URL", url.as_str()), ("CACHE_PREFIX", prefix), ("CACHE_PAUSE", "1h")];
    let (mut app, other) =
        (TestApp::with(&cut_off).await, TestApp::with(&[("CACHE_PREFIX", prefix)]).await);
    assert_eq!(get(&app, "old").await, "old");
    assert_eq!(get(&other, "new").await, "old", "the entry is in Redis");
    proxy.cut();
    for _ in 0..FAILURES {
        app.state.cache.invalidate("things", [1]).await;
    }
    proxy.restore();
    assert_eq!(get(&other, "new").await, "old", "nothing is repeated while the breaker is open");
    app.stop(Stop::Now);
    app.ended().await;
    assert_eq!(get(&other, "new").await, "new");
}
