//! Redis, which all replicas share and none needs to answer.
//!
//! Every call ends within `CACHE_TIMEOUT`. While calls fail none is made, but for one now and then
//! to see whether Redis is back, so that an outage does not cost each request the timeout.

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use axum::BoxError;
use metrics::{counter, gauge};
use redis::{
    Client, IntoConnectionInfo, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
    io::tcp::TcpSettings,
};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use crate::config::{Config, Env};

/// Calls that fail on end before Redis is left alone. One alone may be a connection that an idle
/// timeout has cut.
pub const FAILURES: u32 = 3;

/// A connection is made, or given up, within this time.
const CONNECT: Duration = Duration::from_secs(1);

/// The way to Redis. Clones share it.
#[derive(Clone)]
pub struct Redis(Arc<Parts>);

struct Parts {
    client: Client,
    connection: RwLock<ConnectionManager>,
    breaker: Breaker,
    timeout: Duration,
    prefix: String,
}

/// Redis failed, or is left alone because it did. What to do without it is the caller's to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Redis does not answer")]
pub struct Unavailable;

impl Redis {
    /// Connects with the first call, so that a Redis that is down holds up no start.
    ///
    /// # Errors
    /// `REDIS_URL` is none.
    pub fn new(config: &Config) -> Result<Self, BoxError> {
        let info = config.redis_url.expose_secret().into_connection_info()?;
        // Small requests, each waited for: to gather them would only delay them.
        let client = Client::open(info.set_tcp_settings(TcpSettings::default().set_nodelay(true)))?;
        gauge!("redis_up").set(1.0);
        Ok(Self(Arc::new(Parts {
            connection: RwLock::new(connect(&client)?),
            client,
            breaker: Breaker::new(config.cache_pause),
            timeout: config.cache_timeout,
            prefix: config.cache_prefix.clone(),
        })))
    }

    /// The key of this service for `name`.
    pub fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.0.prefix)
    }

    /// The longest that a call takes.
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Makes a call, unless Redis is left alone for now.
    ///
    /// # Errors
    /// There is no answer. That is logged and counted already.
    pub async fn ask<T, F>(
        &self,
        call: impl FnOnce(ConnectionManager) -> F,
    ) -> Result<T, Unavailable>
    where
        F: Future<Output = RedisResult<T>>,
    {
        if !self.0.breaker.allows(Instant::now()) {
            return Err(Unavailable);
        }
        self.insist(call).await
    }

    /// Makes a call in any case, for what must not be missed.
    ///
    /// # Errors
    /// There is no answer. That is logged and counted already.
    pub async fn insist<T, F>(
        &self,
        call: impl FnOnce(ConnectionManager) -> F,
    ) -> Result<T, Unavailable>
    where
        F: Future<Output = RedisResult<T>>,
    {
        self.call(call).await.map_err(|_| Unavailable)
    }

    /// For the health check: asks in any case, so that Redis is found to be back when it is.
    ///
    /// # Errors
    /// What Redis said, or that it said nothing.
    pub async fn ping(&self) -> Result<(), BoxError> {
        let ping = async |mut to: ConnectionManager| redis::cmd("PING").query_async(&mut to).await;
        Ok(self.call(ping).await?)
    }

    async fn call<T, F>(&self, call: impl FnOnce(ConnectionManager) -> F) -> Result<T, String>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let connection = self.0.connection.read().unwrap_or_else(PoisonError::into_inner).clone();
        let error = match timeout(self.0.timeout, call(connection)).await {
            Ok(Ok(answer)) => {
                self.0.breaker.succeeded();
                return Ok(answer);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        counter!("redis_errors_total").increment(1);
        // A connection whose other end is gone without a word stays open for many minutes.
        if self.0.breaker.failed(Instant::now(), &error)
            && let Ok(fresh) = connect(&self.0.client)
        {
            *self.0.connection.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
        Err(error)
    }
}

fn connect(client: &Client) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(1)
        .set_min_delay(Duration::from_millis(10))
        .set_connection_timeout(Some(CONNECT))
        // `Redis::call` has one.
        .set_response_timeout(None);
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}

/// Finds what is wrong with the settings of this module.
pub fn check(config: &Config, env: &mut Env) {
    let url = config.redis_url.expose_secret();
    // Not echoed: it may carry a password. An empty one is a fault already.
    if url.starts_with("rediss:") {
        env.fault("REDIS_URL", "is for TLS, which this build leaves out; docs/runbook.md has more");
    } else if !url.is_empty() && Client::open(url).is_err() {
        env.fault("REDIS_URL", "is not a URL like redis://user:password@host:6379/0");
    }
    if config.cache_timeout.is_zero() {
        env.fault("CACHE_TIMEOUT", "must be longer than zero");
    }
}

/// Knows when to leave Redis alone.
struct Breaker {
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// On end, up to now.
    failures: u32,
    /// While Redis is left alone: when one call may try it.
    try_at: Option<Instant>,
}

impl Breaker {
    fn new(pause: Duration) -> Self {
        Self { pause, state: Mutex::default() }
    }

    /// Whether a call may be made. After the pause one may, and the others go on without Redis
    /// until that one has its answer, or another pause is over.
    fn allows(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.try_at {
            Some(at) if now < at => false,
            Some(_) => {
                state.try_at = Some(now + self.pause);
                true
            }
            None => true,
        }
    }

    fn succeeded(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = 0;
        if state.try_at.take().is_some() {
            gauge!("redis_up").set(1.0);
            tracing::info!("Redis answers again");
        }
    }

    /// Whether it is time for a new connection: each time that so many calls have failed on end.
    fn failed(&self, now: Instant, error: &str) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES {
            state.try_at = Some(now + self.pause);
        }
        if state.failures == FAILURES {
            gauge!("redis_up").set(0.0);
            tracing::warn!(error, "Redis fails and is left alone");
        }
        state.failures.is_multiple_of(FAILURES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    #[test]
    fn redis_is_left_alone_after_failures_on_end() {
        let (breaker, now) = (Breaker::new(PAUSE), Instant::now());
        for _ in 1..FAILURES {
            assert!(!breaker.failed(now, "gone"));
        }
        breaker.succeeded();
        for _ in 1..FAILURES {
            assert!(!breaker.failed(now, "gone"));
            assert!(breaker.allows(now), "not on end");
        }
        assert!(breaker.failed(now, "gone"), "a new connection");
        assert!(!breaker.allows(now));
    }

    #[test]
    fn after_the_pause_one_call_tries() {
        let (breaker, start) = (Breaker::new(PAUSE), Instant::now());
        for _ in 0..FAILURES {
            breaker.failed(start, "gone");
        }
        let later = start + PAUSE;
        assert!(breaker.allows(later));
        assert!(!breaker.allows(later), "one");
        assert!(breaker.allows(later + PAUSE), "the one before may never have ended");
        breaker.succeeded();
        assert!(breaker.allows(later + PAUSE) && breaker.allows(later + PAUSE));
    }
}
