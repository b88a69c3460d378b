//! Accounts: how people come in, and how the service knows who is asking.
//!
//! An access token (a JWT, minutes) says who somebody is; a refresh token (random, days) buys the
//! next pair, once. Both belong to a session, and a session that ends takes all its tokens along.

mod admin;
mod attempts;
mod docs;
mod dto;
mod guard;
mod marks;
mod password;
mod repo;
mod routes;
mod service;
mod sessions;
mod tokens;

use std::fmt::Write;

use aws_lc_rs::digest;
use chrono::{DateTime, SubsecRound, Utc};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use admin::create_admin;
pub use docs::describe;
pub use guard::{Admin, CurrentUser, enforce, is_public, token_owner};
pub use service::Auth;
pub use tokens::check;

use crate::state::AppState;

/// The moment, as precise as every database keeps it.
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
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(routes::register))
        .routes(routes!(routes::login))
        .routes(routes!(routes::refresh))
        .routes(routes!(routes::logout))
}
