//! cache.aside, app.ratelimit: Redis is killed under load, and restarts empty.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use futures_util::future::join_all;
use tokio::{
    task::{JoinHandle, yield_now},
    time::timeout,
};

use crate::support::{
    PATIENCE, TestApp, json, problem,
    proxy::Proxy,
    redis::{self, Server},
    send,
    service::cache::Key,
};

async fn ready(app: &TestApp, status: &str) {
    let wait = async { while json(app.get("/health/ready")).await["status"] != status {} };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never {status}"));
}

/// Clients that send requests and read through the cache, without a pause.
struct Load {
    answered: Arc<AtomicUsize>,
    enough: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    fn on(app: &TestApp) -> Self {
        let (answered, enough) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let client = |number: usize| {
            let (answered, enough) = (answered.clone(), enough.clone());
            let (state, request) = (app.state.clone(), app.get("/api/v1/info"));
            tokio::spawn(async move {
                while !enough.load(Ordering::SeqCst) {
                    let answer = send(request.try_clone().unwrap()).await;
                    assert_eq!(answer.status(), 200);
                    let load = async || Ok::<_, ()>(Some(number));
                    let read = state.cache.get_or_load(&Key::entity("things", number), load).await;
                    assert_eq!(read, Ok(Some(number)));
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            })
        };
        let clients = (0..8).map(client).collect();
        Self { answered, enough, clients }
    }

    /// Waits until `count` more requests have succeeded.
    async fn goes_on(&self, count: usize) {
        let target = self.answered.load(Ordering::SeqCst) + count;
        let wait = async {
            while self.answered.load(Ordering::SeqCst) < target {
                assert!(!self.clients.iter().any(JoinHandle::is_finished), "a client has failed");
                yield_now().await;
            }
        };
        timeout(PATIENCE, wait).await.expect("requests succeed");
    }

    async fn end(self) {
        self.enough.store(true, Ordering::SeqCst);
        for client in join_all(self.clients).await {
            client.unwrap();
        }
    }
}

#[tokio::test]
async fn requests_succeed_and_the_rate_limit_holds_during_an_outage() {
    let first = Server::start().await;
    let proxy = Proxy::to(first.addr.clone()).await;
    let url = format!("redis://{}", proxy.addr);
    let settings = [("REDIS_URL", url.as_str()), ("CACHE_PAUSE", "10ms")];
    // The requests of `busy` would count for the others.
    let (its_prefix, prefix) = (redis::prefix(), redis::prefix());
    let busy = TestApp::with(&[&settings[..], &[("CACHE_PREFIX", its_prefix)]].concat()).await;
    let limited = [("CACHE_PREFIX", prefix), ("RATE_LIMIT_PER_MINUTE", "3")];
    let limited = [&settings[..], &limited].concat();
    let (one, other) = (TestApp::with(&limited).await, TestApp::with(&limited).await);

    let load = Load::on(&busy);
    load.goes_on(100).await;
    first.kill().await;
    load.goes_on(500).await;
    for app in [&busy, &one, &other] {
        ready(app, "degraded").await;
    }
    for app in [&one, &other] {
        for _ in 0..3 {
            assert_eq!(
                send(app.get("/nothing")).await.status(),
                404,
                "the outage refuses no request"
            );
        }
        problem(app.get("/nothing"), 429).await;
    }

    let second = Server::start().await;
    proxy.lead_to(second.addr.clone());
    for app in [&busy, &one, &other] {
        ready(app, "ok").await;
    }
    load.goes_on(100).await;
    load.end().await;
    // The replicas share a budget again: each request counts for both.
    for app in [&one, &other, &one] {
        assert_eq!(send(app.get("/nothing")).await.status(), 404);
    }
    for app in [&one, &other] {
        problem(app.get("/nothing"), 429).await;
    }
    second.kill().await;
}
