//! HTTP of users.

use axum::{Json, extract::State};

use super::{UserResponse, repo};
use crate::{auth::CurrentUser, error::AppError, state::AppState};

/// Who is asking.
#[utoipa::path(get, path = "/users/me", operation_id = "users_me", tag = "users",
    responses((status = 200, description = "The account of the token", body = UserResponse)))]
pub async fn me(
    State(state): State<AppState>,
    user: CurrentUser,
) -> Result<Json<UserResponse>, AppError> {
    // An account that is gone takes its tokens with it.
    let user = repo::find(&state.db, user.id).await?.ok_or(AppError::Unauthorized)?;
    Ok(Json(user.into()))
}
