//! HTTP of users.

use axum::{
    Json,
    extract::{FromRef, State},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::dto::{UserListing, UserPage};
use crate::{
    auth::{
        Admin, CurrentUser,
        users::{UserResponse, repo},
    },
    db,
    error::Error,
    http::{Shared, problem::Problem},
};

/// The routes of this module, below `/api/v1`.
pub fn routes<S: Shared>() -> OpenApiRouter<S>
where
    db::Pool: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(me))
}

/// List users. Needs an administrator.
#[utoipa::path(get, path = "/users", operation_id = "users_list", tag = "users",
    params(UserListing),
    responses(
        (status = 200, description = "A page of users", body = UserPage),
        (status = 403, description = "Problem: `forbidden`",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn list(
    State(db): State<db::Pool>,
    _: Admin,
    listing: UserListing,
) -> Result<Json<UserPage>, Error> {
    let page = repo::list(&db, listing.page).await?;
    Ok(Json(page.map(UserResponse::from)))
}

/// Get the current user.
#[utoipa::path(get, path = "/users/me", operation_id = "users_me", tag = "users",
    responses((status = 200, description = "The user of the access token", body = UserResponse)))]
async fn me(State(db): State<db::Pool>, user: CurrentUser) -> Result<Json<UserResponse>, Error> {
    // The tokens of an account that was deleted are invalid.
    let user = repo::find(&db, user.id).await?.ok_or(Error::Unauthenticated)?;
    Ok(Json(user.into()))
}
