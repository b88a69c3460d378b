//! rel.idempotency, rel.shutdown: acknowledged writes survive a crash of the service or database.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    net::SocketAddr,
};

use futures_util::future::join_all;
use reqwest::header::LOCATION;
use serde_json::Value;
use tokio::{task::yield_now, time::timeout};

use crate::{
    resources::categories::body,
    support::{
        PATIENCE, Process, database::postgres::server::Server, header, resources::Api, send,
    },
};

const PATH: &str = "/api/v1/categories";

/// The pipe of the log is not read under load, and must not fill up.
const QUIET: (&str, &str) = ("RUST_LOG", "demo::http::server=info,warn");

const WRITERS: usize = 8;

/// More writes than usually succeed before the kill.
const MANY: u32 = 200;

/// Writes, and the locations of acknowledged ones.
struct Load<'a> {
    api: &'a Api,
    service: Cell<SocketAddr>,
    todo: RefCell<Vec<(u32, Value)>>,
    done: RefCell<Vec<(u32, Value)>>,
    acknowledged: RefCell<BTreeSet<String>>,
    failed: Cell<usize>,
    /// Whether the kill has happened.
    over: Cell<bool>,
}

impl<'a> Load<'a> {
    async fn new(api: &'a Api, service: SocketAddr, writes: u32) -> Self {
        let mut todo = Vec::new();
        for n in 0..writes {
            todo.push((n, body(api, n).await));
        }
        Self {
            api,
            service: service.into(),
            todo: todo.into(),
            done: RefCell::default(),
            acknowledged: RefCell::default(),
            failed: Cell::default(),
            over: Cell::default(),
        }
    }

    /// Retries each write with the same key until it is acknowledged. Repeats acknowledged writes,
    /// which has no effect, until the kill has happened.
    async fn insist(&self) {
        let writer = async || {
            while let Some((n, body)) = self.next() {
                while !self.attempt(n, &body).await {
                    self.failed.set(self.failed.get() + 1);
                    yield_now().await;
                }
                self.done.borrow_mut().push((n, body));
            }
        };
        timeout(PATIENCE * 4, join_all((0..WRITERS).map(|_| writer())))
            .await
            .expect("all writes are acknowledged");
    }

    fn next(&self) -> Option<(u32, Value)> {
        let again = || if self.over.get() { None } else { self.done.borrow_mut().pop() };
        self.todo.borrow_mut().pop().or_else(again)
    }

    async fn attempt(&self, n: u32, body: &Value) -> bool {
        let write = self.api.post_to(self.service.get(), PATH);
        let write = write.header("idempotency-key", format!("write-{n}")).json(body);
        let Ok(answer) = write.send().await else {
            return false;
        };
        let Some(location) = answer.headers().get(LOCATION) else {
            // 409 while the service still processes the request that failed for its client.
            assert!([409, 503, 504].contains(&answer.status().as_u16()), "{}", answer.status());
            assert_eq!(header(&answer, "content-type"), "application/problem+json");
            return false;
        };
        assert_eq!(answer.status(), 201);
        self.acknowledged.borrow_mut().insert(location.to_str().unwrap().to_owned());
        true
    }

    async fn has_acknowledged(&self, count: usize) {
        let wait = async {
            while self.acknowledged.borrow().len() < count {
                yield_now().await;
            }
        };
        timeout(PATIENCE, wait).await.expect("writes are acknowledged");
    }

    /// Asserts that every acknowledged write exists exactly once.
    async fn ends_complete(self) {
        let rows = self.api.walk(&format!("{PATH}?limit=100")).await;
        let mut there: Vec<_> =
            rows.iter().map(|row| format!("{PATH}/{}", row["id"].as_str().unwrap())).collect();
        there.sort();
        assert_eq!(there, Vec::from_iter(self.acknowledged.into_inner()));
    }
}

#[tokio::test]
async fn a_shutdown_finishes_the_writes_in_flight() {
    let api = Api::start().await;
    let settings = [
        ("DATABASE_URL", api.settings.database.url()),
        ("DATABASE_ACQUIRE_TIMEOUT", "30s"),
        ("SHUTDOWN_PAUSE", "3s"),
        QUIET,
    ];
    let service = Process::start(&settings).await;
    let load = Load::new(&api, service.addr, 0).await;
    let (made, unready) = (Cell::new(0), Cell::new(false));
    // As a load balancer: until it has noticed that readiness fails.
    let writer = async || {
        while !unready.get() {
            let n = made.replace(made.get() + 1);
            assert!(load.attempt(n, &body(&api, n).await).await, "no write fails");
        }
    };
    let stop = async {
        load.has_acknowledged(WRITERS).await;
        service.signal("TERM").await;
        while send(service.get("/health/ready")).await.status() != 503 {}
        let before = load.acknowledged.borrow().len();
        load.has_acknowledged(before + WRITERS).await;
        unready.set(true);
    };
    tokio::join!(join_all((0..WRITERS).map(|_| writer())), stop);
    assert_eq!(service.ended().await.0, Some(0));
    load.ends_complete().await;
}

#[tokio::test]
async fn a_killed_service_leaves_no_partial_write() {
    let api = Api::start().await;
    let settings = [("DATABASE_URL", api.settings.database.url()), QUIET];
    let service = Process::start(&settings).await;
    let load = Load::new(&api, service.addr, MANY).await;
    let kill = async {
        load.has_acknowledged(WRITERS).await;
        service.signal("KILL").await;
        let next = Process::start(&settings).await;
        load.service.set(next.addr);
        load.over.set(true);
        next
    };
    let ((), _next) = tokio::join!(load.insist(), kill);
    assert!(load.failed.get() > 0, "it was killed under load");
    load.ends_complete().await;
}

#[tokio::test]
async fn a_killed_database_keeps_acknowledged_writes() {
    let server = Server::start().await;
    let settings = [("DATABASE_URL", server.url.as_str())];
    assert!(Process::run(&["migrate"], &settings).await.status.success());
    let api = Api::with(&settings).await;
    let load = Load::new(&api, api.addr, MANY).await;
    let crash = async {
        load.has_acknowledged(WRITERS).await;
        // A crash without a write in flight fails no request.
        while load.failed.get() == 0 {
            server.crash().await;
        }
        load.over.set(true);
    };
    tokio::join!(load.insist(), crash);
    assert!(load.failed.get() > 0, "it was killed under load");
    load.ends_complete().await;
    drop(api);
    server.end().await;
}
