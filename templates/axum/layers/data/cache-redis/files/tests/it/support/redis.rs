//! The Redis of the tests, at `REDIS_URL`. Each test has its own key prefix, and all keys expire.

use std::{
    convert::Infallible,
    io::Write,
    process::{Stdio, exit},
    sync::LazyLock,
};

use axum::{
    Json,
    extract::{Path, State},
    routing::get,
};
use redis::{Client, FromRedisValue, aio::MultiplexedConnection};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};
use url::Url;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    PATIENCE,
    proxy::Proxy,
    service::{cache::Key, state::AppState},
};

static URL: LazyLock<String> = LazyLock::new(|| {
    std::env::var("REDIS_URL").unwrap_or_else(|_| {
        // One message instead of a failure for each test.
        let said = "\nREDIS_URL is not set, and the tests need a Redis: `just test` starts one\n";
        let _ = std::io::stderr().write_all(said.as_bytes());
        exit(1);
    })
});

pub fn url() -> &'static str {
    &URL
}

/// Returns a key prefix that no other test has.
pub fn prefix() -> &'static str {
    // The leak is small, and the process is short-lived.
    Uuid::now_v7().to_string().leak()
}

pub async fn connect() -> MultiplexedConnection {
    Client::open(url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

/// Sends a command directly to Redis.
pub async fn command<T: FromRedisValue>(words: &[&str]) -> T {
    redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connect().await).await.unwrap()
}

/// Starts a proxy in front of Redis; returns the proxy and its `REDIS_URL`.
pub async fn proxy() -> (Proxy, String) {
    let mut url = Url::parse(url()).unwrap();
    let proxy = Proxy::to(address(&url)).await;
    url.set_ip_host(proxy.addr.ip()).unwrap();
    url.set_port(Some(proxy.addr.port())).unwrap();
    (proxy, url.to_string())
}

fn address(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(6379))
}

/// A Redis server for one test, which the test may kill.
pub struct Server {
    /// `host:port`
    pub addr: String,
    url: Url,
    /// `scripts/with-redis`, which stops the server when its input ends.
    script: Child,
}

impl Server {
    pub async fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/with-redis");
        let mut script = Command::new(script)
            .args(["sh", "-c", "echo $REDIS_URL; cat"])
            .env_remove("REDIS_URL")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(script.stdout.take().unwrap()).lines();
        let said = timeout(PATIENCE, said.next_line()).await.expect("the server starts").unwrap();
        let url = Url::parse(&said.expect("its address")).unwrap();
        Self { addr: address(&url), url, script }
    }

    /// Sends a command to the server.
    pub async fn command(&self, words: &[&str]) {
        let client = Client::open(self.url.as_str()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        redis::cmd(words[0]).arg(&words[1..]).exec_async(&mut connection).await.unwrap();
    }

    /// Kills the server and loses its data.
    pub async fn kill(mut self) {
        let client = Client::open(self.url.as_str()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let command = redis::cmd("SHUTDOWN").arg(&["NOSAVE", "NOW", "FORCE"]).to_owned();
        // A killed server does not respond.
        let _ = command.query_async::<()>(&mut connection).await;
        drop(self.script.stdin.take());
        timeout(PATIENCE, self.script.wait()).await.expect("the script exits").unwrap();
    }
}

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().route("/test/cached/{id}", get(cached))
}

/// Reads through the cache; the value is the number of earlier loads by all replicas, counted in
/// Redis.
async fn cached(State(state): State<AppState>, Path(id): Path<String>) -> Json<Option<u32>> {
    let counter = state.redis.key(format_args!("loads:{id}"));
    let load = async || {
        let loads: u32 = command(&["INCR", &counter]).await;
        // No test takes a minute.
        let _: bool = command(&["EXPIRE", &counter, "60"]).await;
        Ok::<_, Infallible>(Some(loads - 1))
    };
    let Ok(loads) = state.cache.get_or_load(&Key::entity("things", id), load).await;
    Json(loads)
}
