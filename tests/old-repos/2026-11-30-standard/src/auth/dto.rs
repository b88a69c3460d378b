//! What `/auth` takes and gives.

#![allow(clippy::trivially_copy_pass_by_ref, reason = "garde calls its rules so")]

use garde::Validate;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::password::LENGTH;

/// A new account.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountRegistration)]
pub struct Registration {
    /// What others see.
    #[garde(length(chars, min = 3, max = 50), pattern("^[A-Za-z0-9_]+$"))]
    #[schema(example = "ada", min_length = 3, max_length = 50, pattern = "^[A-Za-z0-9_]+$")]
    pub username: String,
    /// Where the account signs in, in any case of letters.
    #[garde(email, length(chars, max = 254))]
    #[schema(format = "email", example = "ada@example.com", max_length = 254)]
    pub email: String,
    /// At least 8 characters, and none of the common ones.
    #[garde(custom(length))]
    #[schema(value_type = String, format = "password", example = "correct horse battery staple",
        min_length = 8, max_length = 128)]
    pub password: SecretString,
}

/// An account and its password.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The account's address.
    #[garde(length(chars, max = 254))]
    #[schema(format = "email", example = "ada@example.com", max_length = 254)]
    pub email: String,
    /// Its password.
    #[garde(custom(bounded))]
    #[schema(value_type = String, format = "password", max_length = 128)]
    pub password: SecretString,
}

/// A refresh token, to be spent.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The newest of the session.
    #[garde(custom(bounded))]
    #[schema(value_type = String, max_length = 128)]
    pub refresh_token: SecretString,
}

/// What a session goes on with.
#[derive(Serialize, ToSchema)]
pub struct TokenPair {
    /// For `Authorization: Bearer …`.
    pub access_token: String,
    /// Buys the next pair, once.
    pub refresh_token: String,
    /// How to present the access token.
    #[schema(value_type = String, example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds that the access token is good for.
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

/// An account may be older than a rule, so only what bounds the work is asked for.
fn bounded(secret: &SecretString, (): &()) -> garde::Result {
    if count(secret) > *LENGTH.end() {
        return Err(garde::Error::new(format!("longer than {} characters", LENGTH.end())));
    }
    Ok(())
}

fn count(secret: &SecretString) -> usize {
    secrecy::ExposeSecret::expose_secret(secret).chars().count()
}
