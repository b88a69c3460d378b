//! The people with an account.

mod domain;
mod dto;
mod repo;
mod routes;

use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use domain::{Role, User};
pub use dto::UserResponse;

use crate::{db::Pool, error::AppError, state::AppState};

/// The routes of this module, below `/api/v1`.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(routes::list)).routes(routes!(routes::me))
}

/// Keeps a new user.
///
/// # Errors
/// 409 for a name or an address that is taken.
pub async fn create(
    pool: &Pool,
    username: &str,
    email: &str,
    password_hash: &str,
    role: Role,
) -> Result<User, AppError> {
    let id = Uuid::now_v7();
    Ok(repo::insert(pool, id, username, email, password_hash, role).await?)
}
