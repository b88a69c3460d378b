//! The rate limit: how many requests a client may send.

mod budgets;
mod gcra;

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};

pub use self::budgets::Budgets;
use crate::{
    error::Error,
    http::caller::{Caller, Client},
};

const RATELIMIT: &str = "ratelimit";
const RATELIMIT_POLICY: &str = "ratelimit-policy";

/// A limit, and the budgets of its clients.
pub struct RateLimit {
    limit: Limit,
    budgets: Budgets,
    policy: HeaderValue,
}

/// Requests that each client may send in a minute, under a name that the clients see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Limit {
    name: &'static str,
    per_minute: u32,
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
    /// `per_minute` requests for each client. The name keeps its budgets apart from other limits.
    pub fn new(name: &'static str, per_minute: u32, budgets: &Budgets) -> Self {
        let policy = format!("\"{name}\";q={per_minute};w=60");
        Self {
            limit: Limit { name, per_minute },
            budgets: budgets.clone(),
            policy: HeaderValue::from_str(&policy).expect("printable"),
        }
    }

    /// Takes one request from the client's budget, and answers it or refuses it with 429. The response
    /// has the state of the budget.
    pub async fn admit(
        &self,
        client: Client,
        response: impl Future<Output = Response>,
    ) -> Response {
        let decision = self.budgets.take(self.limit, client).await;
        let mut response = if decision.allowed {
            let response = response.await;
            // A tighter limit inside has refused the request, or has described itself.
            if response.status() == StatusCode::TOO_MANY_REQUESTS
                || response.headers().contains_key(RATELIMIT)
            {
                return response;
            }
            response
        } else {
            metrics::counter!("rate_limit_refusals_total").increment(1);
            Error::RateLimited { retry_after: decision.retry_after }.into_response()
        };
        self.describe(decision, response.headers_mut());
        response
    }

    /// `RateLimit` and `RateLimit-Policy`, draft-ietf-httpapi-ratelimit-headers-10.
    fn describe(&self, decision: Decision, headers: &mut HeaderMap) {
        let Decision { remaining, reset, .. } = decision;
        let state = format!("\"{}\";r={remaining};t={}", self.limit.name, seconds_up(reset));
        let state = HeaderValue::from_str(&state).expect("printable");
        headers.insert(HeaderName::from_static(RATELIMIT), state);
        headers.insert(HeaderName::from_static(RATELIMIT_POLICY), self.policy.clone());
    }
}

/// Middleware: passes the request on or answers 429. The response has the state of the budget.
pub async fn enforce(
    State(limit): State<Arc<RateLimit>>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Response {
    limit.admit(caller.client(), next.run(request)).await
}

fn seconds_up(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
