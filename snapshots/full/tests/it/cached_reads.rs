//! cache.aside, cache.invalidate: a read through the cache returns the latest write.

use std::cell::Cell;

use futures_util::future::join_all;
use reqwest::{Response, header::ETAG};
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    resources::categories::{body, one},
    support::{
        PATIENCE, json as read, problem,
        proxy::Proxy,
        redis::{self, Server},
        resources::Api,
        send,
        service::cache::Key,
        statements,
    },
};

const PATH: &str = "/api/v1/categories";

fn at(row: &Value) -> String {
    format!("{PATH}/{}", row["id"].as_str().unwrap())
}

/// The answer to a read, and the number of queries that it takes.
async fn answer(api: &Api, path: &str) -> (usize, Response) {
    let (response, statements) = statements::of(api, api.get(path)).await;
    let table = "FROM categories";
    let queries = statements.iter().filter(|sql| sql.starts_with("SELECT") && sql.contains(table));
    (queries.count(), response)
}

/// Number of queries that a read of the row takes.
async fn reads(api: &Api, row: &Value) -> usize {
    let (queries, response) = answer(api, &at(row)).await;
    assert_eq!(response.json::<Value>().await.unwrap(), *row);
    queries
}

#[tokio::test]
async fn a_row_is_cached_until_the_next_write() {
    let api = Api::start().await;
    let made = one(&api).await;
    assert_eq!(reads(&api, &made).await, 1);
    assert_eq!(reads(&api, &made).await, 0);

    let changed = read(api.request("PUT", &at(&made)).json(&body(&api, 0).await)).await;
    assert_eq!(reads(&api, &changed).await, 1);
    assert_eq!(reads(&api, &changed).await, 0);

    assert_eq!(send(api.request("DELETE", &at(&made))).await.status(), 204);
    for expected in [1, 0] {
        let (queries, response) = answer(&api, &at(&made)).await;
        assert_eq!((queries, response.status().as_u16()), (expected, 404));
    }
    problem(api.get(&at(&made)), 404).await;
}

/// Concurrent reads of one row during repeated writes.
struct Race<'a> {
    row: String,
    bodies: [Value; 2],
    writes: &'a Api,
    reads: &'a Api,
    /// Latest acknowledged version: a read that begins now must not return an older one.
    version: Cell<u64>,
    answered: Cell<usize>,
    over: Cell<bool>,
}

impl<'a> Race<'a> {
    async fn new(writes: &'a Api, reads: &'a Api) -> Self {
        let row = at(&one(writes).await);
        let bodies = [body(writes, 0).await, body(writes, 1).await];
        let (version, answered, over) = (Cell::new(1), Cell::default(), Cell::default());
        Self { row, bodies, writes, reads, version, answered, over }
    }

    async fn write(&self, times: usize) {
        for body in self.bodies.iter().cycle().take(times) {
            let answer = send(self.writes.request("PUT", &self.row).json(body)).await;
            assert_eq!(answer.status(), 200);
            let row: Value = answer.json().await.unwrap();
            self.version.set(row["version"].as_u64().unwrap());
        }
    }

    async fn read(&self) {
        while !self.over.get() {
            let acknowledged = self.version.get();
            let answer = send(self.reads.get(&self.row)).await;
            assert_eq!(answer.status(), 200);
            let tag = answer.headers().get(ETAG).cloned().unwrap();
            let row: Value = answer.json().await.unwrap();
            let version = row["version"].as_u64().unwrap();
            assert!(version >= acknowledged, "{version} was read, {acknowledged} was written");
            assert_eq!(tag, format!("\"{version}\""));
            self.answered.set(self.answered.get() + 1);
        }
    }

    /// Runs `course` with concurrent readers.
    async fn run(&self, course: impl Future<Output = ()>) {
        let course = async {
            course.await;
            self.over.set(true);
        };
        tokio::join!(join_all((0..8).map(|_| self.read())), course);
        assert!(self.answered.get() > 0);
    }
}

#[tokio::test]
async fn no_read_is_older_than_an_acknowledged_write() {
    let api = Api::start().await;
    let replica = api.replica().await;
    let race = Race::new(&api, &replica).await;
    race.run(race.write(100)).await;
}

#[tokio::test]
async fn an_unreadable_entry_of_the_cache_is_ignored() {
    let api = Api::start().await;
    let made = one(&api).await;
    let id = made["id"].as_str().unwrap();
    let settings: Vec<_> = api.settings.iter().collect();
    let (_, prefix) = settings.iter().rfind(|(name, _)| *name == "CACHE_PREFIX").unwrap();
    let place = format!("{prefix}:{}", Key::entity("categories", id));
    assert_eq!(read(api.get(&at(&made))).await, made);
    let entry: String = redis::command(&["GET", &place]).await;
    let (shape, _) = entry.split_once('|').unwrap();
    let garbage = ["", "{}", "{\"id\":7}", "{half"].map(|json| format!("{shape}|{json}"));
    for garbage in ["nonsense", "", "|"].into_iter().chain(garbage.iter().map(String::as_str)) {
        redis::command::<()>(&["SET", &place, garbage]).await;
        assert_eq!(read(api.get(&at(&made))).await, made, "{garbage}");
    }
}

#[tokio::test]
async fn an_outage_of_redis_causes_no_failed_or_stale_read() {
    let first = Server::start().await;
    let proxy = Proxy::to(first.addr.clone()).await;
    let url = format!("redis://{}", proxy.addr);
    let api = Api::with(&[("REDIS_URL", &url), ("CACHE_PAUSE", "10ms")]).await;
    let replica = api.replica().await;
    let race = Race::new(&api, &replica).await;
    let ready = async |status: &str| {
        let ready = async { while read(api.get("/health/ready")).await["status"] != status {} };
        timeout(PATIENCE, ready).await.unwrap_or_else(|_| panic!("never {status}"));
    };
    let course = async {
        race.write(20).await;
        first.kill().await;
        race.write(20).await;
        ready("degraded").await;
        race.write(20).await;
        let second = Server::start().await;
        proxy.lead_to(second.addr.clone());
        race.write(20).await;
        ready("ok").await;
        race.write(20).await;
        second.kill().await;
    };
    race.run(course).await;
}
