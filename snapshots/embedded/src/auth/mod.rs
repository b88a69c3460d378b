//! Accounts: registration, sessions, and the guard of the API.
//!
//! An access token (a JWT, valid for minutes) names an account; a refresh token (random, valid for
//! days) is exchanged for a new token pair, once. Both belong to a session: when it ends, all its
//! tokens are invalid.

mod admin;
mod attempts;
mod dto;
mod guard;
mod hmac;
mod leases;
mod openapi;
mod password;
mod recent;
mod repo;
mod routes;
mod service;
mod sessions;
mod tokens;
pub mod users;

use std::{fmt::Write, sync::Arc};

use axum::extract::FromRef;
use chrono::{DateTime, SubsecRound, Utc};
use ring::digest;
use tower_http::limit::RequestBodyLimitLayer;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use admin::create_admin;
pub use guard::{Admin, CurrentUser, Guard, Recognise, is_public};
pub use openapi::describe;
pub use repo::Device;
pub use service::Auth;
pub use sessions::Sessions;
pub use tokens::check;

use crate::http::Shared;

/// Largest body of a request, in bytes. The longest valid one has less than 2 KiB.
const MAX_BODY: usize = 16 * 1024;

/// The current time, at the precision that every database keeps.
fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// SHA-256, in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest::digest(&digest::SHA256, bytes).as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The routes of this module.
pub fn routes<S: Shared>() -> OpenApiRouter<S>
where
    Arc<Auth>: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(routes::register))
        .routes(routes!(routes::login))
        .routes(routes!(routes::refresh))
        .routes(routes!(routes::logout))
        .routes(routes!(routes::change_password))
        .routes(routes!(routes::list_sessions, routes::end_sessions))
        .routes(routes!(routes::end_session))
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
}
