//! HTTP of users.

use axum::{Json, extract::State};

use super::{
    UserResponse,
    dto::{UserPage, UserQuery},
    repo,
};
use crate::{
    auth::{Admin, CurrentUser},
    error::{AppError, Problem},
    extract::Query,
    paging::Paging,
    state::AppState,
};

/// Everybody with an account, page by page. For administrators.
#[utoipa::path(get, path = "/users", operation_id = "users_list", tag = "users",
    params(UserQuery),
    responses(
        (status = 200, description = "A page of users", body = UserPage),
        (status = 403, description = "Only administrators may",
            body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn list(
    State(state): State<AppState>,
    _: Admin,
    Query(query): Query<UserQuery>,
) -> Result<Json<UserPage>, AppError> {
    let paging = Paging::new(&repo::SORTING, query.into())?;
    Ok(Json(repo::list(&state.db, paging).await?.into()))
}

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
