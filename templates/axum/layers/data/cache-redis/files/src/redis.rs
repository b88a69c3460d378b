//! The client of Redis, with a timeout and a circuit breaker.
//!
//! Every call ends within `CACHE_TIMEOUT`, or twice that where it must arrive. While the circuit
//! breaker is open, one call per `CACHE_PAUSE` is made, so that an outage does not cost each request
//! the timeout.

use std::{
    fmt::{self, Write as _},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use metrics::{counter, gauge};
use redis::{
    Client, ErrorKind, IntoConnectionInfo, RedisError, RedisResult, Value,
    aio::{ConnectionManager, ConnectionManagerConfig},
    io::tcp::TcpSettings,
};
use secrecy::ExposeSecret;
use tokio::time::timeout;
use tracing::{Instrument, field::Empty};

use crate::{
    config::{Config, Env},
    error::Cause,
};

/// Consecutive failures that open the circuit breaker. A single failure may be a connection that an
/// idle timeout has cut.
pub const FAILURES: u32 = 3;

/// Interval of log lines and new connections while Redis refuses commands.
const REFUSED_AGAIN: Duration = Duration::from_secs(10);

/// Timeout of an attempt to connect, which is repeated once. Calls do not wait that long.
const CONNECT: Duration = Duration::from_secs(2);

/// The client. Clones share it.
#[derive(Clone)]
pub struct Redis(Arc<Parts>);

struct Parts {
    client: Client,
    link: RwLock<Link>,
    breaker: Breaker,
    timeout: Duration,
    prefix: String,
}

/// A connection, which may yet have to be opened.
struct Link {
    connection: ConnectionManager,
    opening: Arc<AtomicBool>,
}

/// Redis has failed, or the circuit breaker is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Redis does not answer")]
pub struct Unavailable;

impl Redis {
    /// A client that connects in the background, so that the service starts without Redis, too.
    ///
    /// # Errors
    /// `REDIS_URL` is invalid.
    pub fn new(config: &Config) -> Result<Self, Cause> {
        let info = config.redis_url.expose_secret().into_connection_info()?;
        // Requests are small, and each is awaited: Nagle's algorithm would delay them.
        let client = Client::open(info.set_tcp_settings(TcpSettings::default().set_nodelay(true)))?;
        gauge!("redis_up").set(1.0);
        Ok(Self(Arc::new(Parts {
            link: RwLock::new(Link::open(&client)?),
            client,
            breaker: Breaker::new(config.cache_pause),
            timeout: config.cache_timeout,
            prefix: config.cache_prefix.clone(),
        })))
    }

    /// `name` with the prefix of this service.
    pub fn key(&self, name: impl fmt::Display) -> String {
        // Mostly one allocation: each cached read makes a key.
        let mut key = String::with_capacity(self.0.prefix.len() + 64);
        let _ = write!(key, "{}:{name}", self.0.prefix);
        key
    }

    /// Timeout of a call.
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Makes a call, unless the circuit breaker is open. `operation` is its name in traces.
    ///
    /// # Errors
    /// Redis does not answer. The failure is logged and counted.
    pub async fn ask<T, F>(
        &self,
        operation: &'static str,
        call: impl FnOnce(ConnectionManager) -> F,
    ) -> Result<T, Unavailable>
    where
        F: Future<Output = RedisResult<T>>,
    {
        if !self.0.breaker.allows(Instant::now()) {
            return Err(Unavailable);
        }
        self.call(operation, call).await.map_err(|_| Unavailable)
    }

    /// Makes a call even while the circuit breaker is open, and once more where it fails: a connection
    /// that has broken since the last call is opened again by the first one.
    ///
    /// # Errors
    /// Redis does not answer. The failures are logged and counted.
    pub async fn insist<T, F>(
        &self,
        operation: &'static str,
        call: impl Fn(ConnectionManager) -> F,
    ) -> Result<T, Unavailable>
    where
        F: Future<Output = RedisResult<T>>,
    {
        match self.call(operation, &call).await {
            Ok(answer) => Ok(answer),
            Err(_) => self.call(operation, call).await.map_err(|_| Unavailable),
        }
    }

    /// The health check: a write, because a read-only Redis answers a PING. It calls even while the
    /// circuit breaker is open, and closes it.
    ///
    /// # Errors
    /// The error of Redis, or a timeout.
    pub async fn ping(self) -> Result<(), Cause> {
        let mut write = redis::cmd("SET");
        write.arg(self.key("health")).arg("").arg("EX").arg(60);
        Ok(self.call("SET", async |mut to| write.query_async(&mut to).await).await?)
    }

    async fn call<T, F>(
        &self,
        operation: &'static str,
        call: impl FnOnce(ConnectionManager) -> F,
    ) -> Result<T, String>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let span = tracing::info_span!(
            "redis",
            otel.name = operation,
            otel.kind = "client",
            otel.status_code = Empty,
            db.system.name = "redis",
            db.operation.name = operation,
        );
        let answer = self.answer(call).instrument(span.clone()).await;
        if answer.is_err() {
            span.record("otel.status_code", "ERROR");
        }
        answer
    }

    async fn answer<T, F>(&self, call: impl FnOnce(ConnectionManager) -> F) -> Result<T, String>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let connection =
            self.0.link.read().unwrap_or_else(PoisonError::into_inner).connection.clone();
        let error = match timeout(self.0.timeout, call(connection)).await {
            Ok(Ok(answer)) => {
                self.0.breaker.succeeded();
                return Ok(answer);
            }
            Ok(Err(error)) if is_refusal(&error) => {
                counter!("redis_refusals_total").increment(1);
                // Reads that succeed keep the circuit breaker closed. After a failover, a new connection
                // leads to the server that accepts writes.
                if self.0.breaker.refused(Instant::now()) {
                    tracing::warn!(%error, "Redis refuses commands; the service does without them");
                    self.reconnect();
                }
                error.to_string()
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        counter!("redis_errors_total").increment(1);
        // A connection whose peer is lost stays open for many minutes.
        if self.0.breaker.failed(Instant::now(), &error) {
            self.reconnect();
        }
        Err(error)
    }

    /// Replaces a connection that does not work. One that is being opened is left alone: with TLS and a
    /// password, that may take longer than a call.
    fn reconnect(&self) {
        let mut link = self.0.link.write().unwrap_or_else(PoisonError::into_inner);
        if link.opening.load(Ordering::Relaxed) {
            return;
        }
        if let Ok(fresh) = Link::open(&self.0.client) {
            *link = fresh;
        }
    }
}

impl Link {
    /// Opens a connection in a task: the callers that wait for it leave after their timeout.
    fn open(client: &Client) -> RedisResult<Self> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_min_delay(Duration::from_millis(10))
            .set_connection_timeout(Some(CONNECT))
            // `Redis::call` has one.
            .set_response_timeout(None);
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), config)?;
        let opening = Arc::new(AtomicBool::new(true));
        let (mut first, done) = (connection.clone(), opening.clone());
        #[expect(clippy::disallowed_methods, reason = "it ends by its timeout")]
        tokio::spawn(async move {
            // Any answer will do, a refusal too.
            let ping = redis::cmd("PING");
            let _ = timeout(CONNECT * 3, ping.query_async::<Value>(&mut first)).await;
            done.store(false, Ordering::Relaxed);
        });
        Ok(Self { connection, opening })
    }
}

/// Whether Redis has answered with an error: `READONLY`, `NOPERM`, `OOM`.
fn is_refusal(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

/// Checks the settings of this module.
pub fn check(config: &Config, env: &mut Env) {
    let url = config.redis_url.expose_secret();
    // Not shown: it may have a password. An empty URL is reported already.
    if !url.is_empty() && Client::open(url).is_err() {
        env.fault("REDIS_URL", "is not a URL like redis://user:password@host:6379/0");
    }
    if config.cache_timeout.is_zero() {
        env.fault("CACHE_TIMEOUT", "must be longer than zero");
    }
}

/// Circuit breaker.
struct Breaker {
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Consecutive failures.
    failures: u32,
    /// While open: time of the next trial call.
    try_at: Option<Instant>,
    /// Time of the latest refusal that was logged.
    refused_at: Option<Instant>,
}

impl Breaker {
    fn new(pause: Duration) -> Self {
        Self { pause, state: Mutex::default() }
    }

    /// Whether a call may be made. After the pause one may, and the others are refused until it
    /// succeeds, or another pause is over.
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

    /// Whether to log a refusal and to connect again: at most once per [`REFUSED_AGAIN`].
    fn refused(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let lately =
            state.refused_at.is_some_and(|at| now.saturating_duration_since(at) < REFUSED_AGAIN);
        if !lately {
            state.refused_at = Some(now);
        }
        !lately
    }

    /// Whether to connect again: after every [`FAILURES`] consecutive failures.
    fn failed(&self, now: Instant, error: &str) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES {
            state.try_at = Some(now + self.pause);
        }
        if state.failures == FAILURES {
            gauge!("redis_up").set(0.0);
            tracing::warn!(error, "Redis fails; the circuit breaker is open");
        }
        state.failures.is_multiple_of(FAILURES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    #[test]
    fn consecutive_failures_open_the_circuit_breaker() {
        let (breaker, now) = (Breaker::new(PAUSE), Instant::now());
        for _ in 1..FAILURES {
            assert!(!breaker.failed(now, "gone"));
        }
        breaker.succeeded();
        for _ in 1..FAILURES {
            assert!(!breaker.failed(now, "gone"));
            assert!(breaker.allows(now), "not consecutive");
        }
        assert!(breaker.failed(now, "gone"), "a new connection");
        assert!(!breaker.allows(now));
    }

    #[test]
    fn after_the_pause_one_trial_call_is_made() {
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
