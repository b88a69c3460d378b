//! Requests and responses of `/auth`.

#![allow(clippy::trivially_copy_pass_by_ref, reason = "garde calls its rules so")]

use chrono::{DateTime, Utc};
use garde::Validate;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{password::LENGTH, repo::Session};

/// An account to register.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountRegistration)]
pub struct Registration {
    /// Name of the account, which other accounts see.
    #[garde(length(chars, min = 3, max = 50), pattern("^[A-Za-z0-9_]+$"))]
    #[schema(example = "ada", min_length = 3, max_length = 50, pattern = "^[A-Za-z0-9_]+$")]
    pub username: String,
    /// Email address for signing in; case-insensitive.
    #[garde(email, length(chars, max = 254))]
    #[schema(format = "email", example = "ada@example.com", max_length = 254)]
    pub email: String,
    /// Password of 8 to 128 characters; common passwords are refused.
    #[garde(custom(length))]
    #[schema(value_type = String, format = "password", example = "correct horse battery staple",
        min_length = 8, max_length = 128)]
    pub password: SecretString,
}

/// Credentials of an account.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Email address of the account.
    #[garde(length(chars, max = 254))]
    #[schema(format = "email", example = "ada@example.com", max_length = 254)]
    pub email: String,
    /// Password of the account.
    #[garde(custom(bounded))]
    #[schema(value_type = String, format = "password", max_length = 128)]
    pub password: SecretString,
}

/// A refresh token to exchange.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// Latest refresh token of the session.
    #[garde(custom(bounded))]
    #[schema(value_type = String, max_length = 128)]
    pub refresh_token: SecretString,
}

/// Access token and refresh token of a session.
#[derive(Serialize, ToSchema)]
pub struct TokenPair {
    /// Token for `Authorization: Bearer …`.
    pub access_token: String,
    /// Token that is exchanged for a new pair, once.
    pub refresh_token: String,
    /// Authentication scheme of the access token.
    #[schema(value_type = String, example = "Bearer")]
    pub token_type: &'static str,
    /// Lifetime of the access token, in seconds.
    #[schema(example = 900)]
    pub expires_in: u64,
}

/// A password to replace.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountPasswordChange)]
pub struct PasswordChange {
    /// Current password of the account.
    #[garde(custom(bounded))]
    #[schema(value_type = String, format = "password", max_length = 128)]
    pub current: SecretString,
    /// Password of 8 to 128 characters; common passwords are refused.
    #[garde(custom(length))]
    #[schema(value_type = String, format = "password", example = "correct horse battery staple",
        min_length = 8, max_length = 128)]
    pub new: SecretString,
}

/// A session of the account.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountSession)]
pub struct SessionResponse {
    /// ID of the session.
    id: Uuid,
    /// When the session was begun (UTC).
    begun_at: DateTime<Utc>,
    /// When the session expires (UTC).
    expires_at: DateTime<Utc>,
    /// Address of the client at sign-in; of IPv6, the /64 network.
    #[schema(required, example = "192.0.2.1")]
    address: Option<String>,
    /// `User-Agent` of the client at sign-in.
    #[schema(required, example = "Mozilla/5.0")]
    user_agent: Option<String>,
    /// Whether the request belongs to the session.
    current: bool,
}

impl SessionResponse {
    /// A session, in a response to a request of the `current` one.
    pub fn new(session: Session, current: Uuid) -> Self {
        let Session { id, begun_at, expires_at, address, user_agent } = session;
        Self { id, begun_at, expires_at, address, user_agent, current: id == current }
    }
}

/// Sessions of the account.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountSessionList)]
pub struct SessionList {
    /// The sessions.
    pub items: Vec<SessionResponse>,
}

fn length(password: &SecretString, (): &()) -> garde::Result {
    match count(password) {
        short if short < *LENGTH.start() => {
            Err(garde::Error::new(format!("shorter than {} characters", LENGTH.start())))
        }
        _ => bounded(password, &()),
    }
}

/// The upper bound alone: an account may be older than the other rules.
fn bounded(secret: &SecretString, (): &()) -> garde::Result {
    if count(secret) > *LENGTH.end() {
        return Err(garde::Error::new(format!("longer than {} characters", LENGTH.end())));
    }
    Ok(())
}

fn count(secret: &SecretString) -> usize {
    secrecy::ExposeSecret::expose_secret(secret).chars().count()
}
