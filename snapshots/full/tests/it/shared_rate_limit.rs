//! app.ratelimit: all replicas share a budget in Redis, from which each takes requests in lots.

use std::time::Instant;

use futures_util::future::join_all;

use crate::support::{Process, TestApp, header, problem, redis, send};

/// Sends `count` requests in sequence; returns the number of accepted ones.
async fn let_through(app: &TestApp, count: usize) -> usize {
    let mut allowed = 0;
    for _ in 0..count {
        allowed += usize::from(send(app.get("/api/v1/info")).await.status() == 200);
    }
    allowed
}

#[tokio::test]
async fn two_processes_share_one_budget() {
    let settings = [("CACHE_PREFIX", redis::prefix()), ("RATE_LIMIT_PER_MINUTE", "100")];
    let replicas = [Process::start(&settings).await, Process::start(&settings).await];
    let start = Instant::now();
    let ask = async |replica: &Process| {
        let mut allowed = 0;
        for _ in 0..150 {
            allowed += u64::from(send(replica.get("/api/v1/info")).await.status() == 200);
        }
        allowed
    };
    let allowed: u64 = join_all(replicas.iter().map(ask)).await.into_iter().sum();
    // A lot is five requests.
    let refilled = start.elapsed().as_secs() * 100 / 60 + 2;
    assert!(allowed >= 100 - 2 * 5, "{allowed}: budget is lost");
    assert!(allowed <= 100 + 2 * 5 + refilled, "{allowed}: the replicas do not share the budget");
}

#[tokio::test]
async fn a_small_budget_is_shared_exactly() {
    let settings = [("CACHE_PREFIX", redis::prefix()), ("RATE_LIMIT_PER_MINUTE", "2")];
    let (one, other) = (TestApp::with(&settings).await, TestApp::with(&settings).await);
    let first = send(one.get("/api/v1/info")).await;
    assert_eq!(header(&first, "ratelimit"), "\"default\";r=1;t=30");
    let second = send(other.get("/api/v1/info")).await;
    assert!(header(&second, "ratelimit").starts_with("\"default\";r=0;t="));
    for app in [&one, &other] {
        let refused = send(app.get("/api/v1/info")).await;
        assert_eq!(refused.status(), 429);
        assert!((1..=30).contains(&header(&refused, "retry-after").parse::<u32>().unwrap()));
    }
}

#[tokio::test]
async fn a_forged_address_does_not_extend_the_budget_on_another_replica() {
    let settings = [("CACHE_PREFIX", redis::prefix()), ("RATE_LIMIT_PER_MINUTE", "1")];
    let (one, other) = (TestApp::with(&settings).await, TestApp::with(&settings).await);
    send(one.get("/api/v1/info").header("x-forwarded-for", "192.0.2.1")).await;
    problem(other.get("/api/v1/info").header("x-forwarded-for", "192.0.2.2"), 429).await;
}

#[tokio::test]
async fn most_requests_need_no_round_trip() {
    let (proxy, url) = redis::proxy().await;
    let settings = [("REDIS_URL", url.as_str()), ("RATE_LIMIT_PER_MINUTE", "1200")];
    let app = TestApp::with(&settings).await;
    assert_eq!(let_through(&app, 1).await, 1);
    let before = proxy.sent();
    assert_eq!(let_through(&app, 200).await, 200);
    // Four lots of 60, or a few more if lots expire on a slow machine.
    assert!(proxy.sent() - before <= 50, "{} round trips", proxy.sent() - before);
}

#[tokio::test]
async fn a_refused_client_needs_no_round_trip() {
    let (proxy, url) = redis::proxy().await;
    let app = TestApp::with(&[("REDIS_URL", &url), ("RATE_LIMIT_PER_MINUTE", "1")]).await;
    assert_eq!(let_through(&app, 2).await, 1);
    let before = proxy.sent();
    assert_eq!(let_through(&app, 200).await, 0);
    // The health check may ask.
    assert!(proxy.sent() - before < 20, "{} round trips", proxy.sent() - before);
}

#[tokio::test]
async fn concurrent_requests_take_no_excess_lots() {
    let settings = [("CACHE_PREFIX", redis::prefix()), ("RATE_LIMIT_PER_MINUTE", "100")];
    let (one, other) = (TestApp::with(&settings).await, TestApp::with(&settings).await);
    let crowd = join_all((0..50).map(|_| send(one.get("/api/v1/info")))).await;
    assert!(crowd.iter().all(|response| response.status() == 200));
    assert!(
        let_through(&other, 45).await == 45,
        "the rest of the budget is left for the other replica"
    );
}

#[tokio::test]
async fn an_invalid_budget_counts_as_full() {
    let prefix = redis::prefix();
    let key = format!("{prefix}:rate:default:127.0.0.1");
    let settings = [("CACHE_PREFIX", prefix), ("RATE_LIMIT_PER_MINUTE", "2")];
    for garbage in [["SET", &key, "nonsense"], ["SET", &key, "nan"], ["LPUSH", &key, "a"]] {
        redis::command::<()>(&["DEL", &key]).await;
        redis::command::<()>(&garbage).await;
        let (one, other) = (TestApp::with(&settings).await, TestApp::with(&settings).await);
        assert_eq!(let_through(&one, 2).await, 2, "{garbage:?}");
        assert_eq!(let_through(&other, 1).await, 0, "{garbage:?}: still shared");
    }
    redis::command::<()>(&["SET", &key, "9e99", "PX", "60000"]).await;
    let app = TestApp::with(&settings).await;
    let refused = send(app.get("/api/v1/info")).await;
    assert!(header(&refused, "retry-after").parse::<u32>().unwrap() <= 30, "bounded by the minute");
}
