//! How many requests a client may send.

mod client;
mod gcra;
mod leases;

use std::{net::SocketAddr, time::Duration};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::{IntoResponse, Response},
};

pub use self::client::{Client, address};
use self::gcra::Gcra;
use crate::{config::Config, error::AppError, state::AppState};

/// The budgets of all clients, under a name that they are told.
pub struct RateLimit {
    name: &'static str,
    local: Gcra,
    policy: HeaderValue,
    shared: Option<leases::Leases>,
}

/// What a request was told about its client's budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request may go on.
    pub allowed: bool,
    /// Requests left right now.
    pub remaining: u32,
    /// Until the whole budget is back.
    pub reset: Duration,
    /// Until a refused request would be let in.
    pub retry_after: Duration,
}

impl RateLimit {
    /// Empty books, with so many requests a minute for each.
    pub fn new(name: &'static str, per_minute: u32, config: &Config) -> Self {
        let policy = format!("\"{name}\";q={per_minute};w=60");
        Self {
            name,
            local: Gcra::new(per_minute, config.rate_limit_max_clients),
            policy: HeaderValue::from_str(&policy).expect("printable"),
            shared: None,
        }
    }

    /// Takes one request from the client's budget.
    #[allow(clippy::unused_async, reason = "a budget that replicas share will await")]
    pub async fn take(&self, client: Client) -> Decision {
        if let Some(shared) = &self.shared
            && let Some(decision) = shared.take(client).await
        {
            return decision;
        }
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

/// Middleware: lets the request through or answers 429; says either way what is left.
pub async fn enforce(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let proxies = state.config.trusted_proxies;
    let client = Client::Address(address(peer.ip(), request.headers(), proxies));
    let mut request = request;
    let owner = crate::auth::token_owner(&state.auth, &mut request);
    let client = owner.map_or(client, |owner| Client::User(owner.id));

    let decision = state.rate_limit.take(client).await;
    let mut response = if decision.allowed {
        next.run(request).await
    } else {
        metrics::counter!("rate_limit_refusals_total").increment(1);
        AppError::TooManyRequests { retry_after: decision.retry_after }.into_response()
    };
    state.rate_limit.describe(decision, response.headers_mut());
    response
}

fn seconds_up(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
