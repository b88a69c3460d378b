//! The rate limit: how many requests a client may send.

mod budgets;
mod gcra;

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};

pub use self::budgets::Budgets;
use crate::{
    error::Error,
    http::{
        caller::{Caller, Client},
        middleware::gate::Gate,
    },
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

    /// Takes one request from the client's budget, or refuses it with a 429.
    pub async fn admit(self: &Arc<Self>, client: Client) -> ControlFlow<Response, Admission> {
        self.judge(self.budgets.take(self.limit, client).await)
    }

    /// As [`RateLimit::admit`], where this process knows the budget.
    fn admit_at_once(self: &Arc<Self>, client: Client) -> Option<ControlFlow<Response, Admission>> {
        Some(self.judge(self.budgets.take_at_once(self.limit, client)?))
    }

    fn judge(self: &Arc<Self>, decision: Decision) -> ControlFlow<Response, Admission> {
        if decision.allowed {
            return ControlFlow::Continue(Admission { limit: self.clone(), decision });
        }
        metrics::counter!("rate_limit_refusals_total").increment(1);
        let error = Error::RateLimited { retry_after: decision.retry_after };
        let mut response = error.into_response();
        self.describe(decision, response.headers_mut());
        ControlFlow::Break(response)
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

/// A request that a limit allows.
pub struct Admission {
    limit: Arc<RateLimit>,
    decision: Decision,
}

impl Admission {
    /// Adds the state of the budget to the response.
    pub fn describe(self, mut response: Response) -> Response {
        // A tighter limit inside has refused the request, or has described itself.
        let described = response.status() == StatusCode::TOO_MANY_REQUESTS
            || response.headers().contains_key(RATELIMIT);
        if !described {
            self.limit.describe(self.decision, response.headers_mut());
        }
        response
    }
}

/// Lets a request pass that the limit allows, and answers 429 to others. Each response has the state of
/// the budget.
#[derive(Clone)]
pub struct Enforce(pub Arc<RateLimit>);

impl Gate for Enforce {
    type Pass = Admission;

    fn decide(&self, request: &mut Request) -> Option<ControlFlow<Response, Admission>> {
        self.0.admit_at_once(Caller::of(request).client())
    }

    async fn ask(&self, request: &mut Request) -> ControlFlow<Response, Admission> {
        self.0.admit(Caller::of(request).client()).await
    }

    fn finish(admission: Admission, response: Response) -> Response {
        admission.describe(response)
    }
}

fn seconds_up(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
