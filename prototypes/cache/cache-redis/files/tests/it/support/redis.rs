//! The Redis of the tests, at `REDIS_URL`. Each test has a prefix of its own there, and what it
//! writes expires.

use std::{io::Write, process::exit, sync::LazyLock};

use redis::{Client, FromRedisValue, aio::MultiplexedConnection};
use url::Url;
use uuid::Uuid;

use super::proxy::Proxy;

static URL: LazyLock<String> = LazyLock::new(|| {
    std::env::var("REDIS_URL").unwrap_or_else(|_| {
        // Said once, instead of a failure for each test.
        let said = "\nREDIS_URL is not set, and the tests need a Redis: `just test` starts one\n";
        let _ = std::io::stderr().write_all(said.as_bytes());
        exit(1);
    })
});

pub fn url() -> &'static str {
    &URL
}

/// Keys that no other test has.
pub fn prefix() -> &'static str {
    // The process ends soon, and its memory with it.
    Uuid::now_v7().to_string().leak()
}

/// `given` over what every test needs. A busy machine may be slow: that is no outage.
pub fn settings<'a>(given: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut settings =
        vec![("REDIS_URL", url()), ("CACHE_PREFIX", prefix()), ("CACHE_TIMEOUT", "10s")];
    settings.extend(given);
    settings
}

pub async fn connect() -> MultiplexedConnection {
    Client::open(url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

/// Sends a command, in words, past the service.
pub async fn command<T: FromRedisValue>(words: &[&str]) -> T {
    redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connect().await).await.unwrap()
}

/// A way to Redis that can fail, and the `REDIS_URL` that goes there.
pub async fn proxy() -> (Proxy, String) {
    let mut url = Url::parse(url()).unwrap();
    let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(6379));
    let proxy = Proxy::to(server).await;
    url.set_ip_host(proxy.addr.ip()).unwrap();
    url.set_port(Some(proxy.addr.port())).unwrap();
    (proxy, url.to_string())
}
