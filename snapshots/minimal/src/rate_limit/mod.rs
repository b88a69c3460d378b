//! The rate limit: how many requests a client may send.

mod gcra;

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::{IntoResponse, Response},
};

use self::gcra::Gcra;
use crate::{
    config::Config,
    error::Error,
    http::caller::{Caller, Client},
};

/// Budgets of all clients, under a name that the clients see.
pub struct RateLimit {
    name: &'static str,
    local: Gcra,
    policy: HeaderValue,
}

/// Decision on a request, and the state of its client's budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request is allowed.
    pub allowed: bool,
    /// Requests left now.
    pub remaining: u32,
    /// Time until the budget is full again.
    pub reset: Duration,
    /// Time until a refused request would be allowed.
    pub retry_after: Duration,
}

impl RateLimit {
    /// Full budgets of `per_minute` requests for each client.
    pub fn new(name: &'static str, per_minute: u32, config: &Config) -> Self {
        let policy = format!("\"{name}\";q={per_minute};w=60");
        Self {
            name,
            local: Gcra::new(per_minute, config.rate_limit_max_clients),
            policy: HeaderValue::from_str(&policy).expect("printable"),
        }
    }

    /// Takes one request from the client's budget.
    #[allow(clippy::unused_async, reason = "a budget that replicas share will await")]
    pub async fn take(&self, client: Client) -> Decision {
        self.local.take(client)
    }

    /// `RateLimit` and `RateLimit-Policy`, draft-ietf-httpapi-ratelimit-headers-10.
    fn describe(&self, decision: Decision, headers: &mut HeaderMap) {
        let Decision { remaining, reset, .. } = decision;
        let state = format!("\"{}\";r={remaining};t={}", self.name, seconds_up(reset));
        let state = HeaderValue::from_str(&state).expect("printable");
        headers.insert(HeaderName::from_static("ratelimit"), state);
        headers.insert(HeaderName::from_static("ratelimit-policy"), self.policy.clone());
    }
}

/// Middleware: passes the request on or answers 429. The response has the state of the budget.
pub async fn enforce(
    State(limit): State<Arc<RateLimit>>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Response {
    let decision = limit.take(caller.client()).await;
    let mut response = if decision.allowed {
        next.run(request).await
    } else {
        metrics::counter!("rate_limit_refusals_total").increment(1);
        Error::RateLimited { retry_after: decision.retry_after }.into_response()
    };
    limit.describe(decision, response.headers_mut());
    response
}

fn seconds_up(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
