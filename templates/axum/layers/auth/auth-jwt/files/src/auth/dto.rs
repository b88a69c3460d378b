//! Requests and responses of `/auth`.

#![allow(clippy::trivially_copy_pass_by_ref, reason = "garde calls its rules so")]

use garde::Validate;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::password::LENGTH;

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
