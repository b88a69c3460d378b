//! HTTP of users.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRef, State},
    http::StatusCode,
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::dto::{UserListing, UserPage};
use crate::{
    auth::{
        Admin, Auth, CurrentUser,
        users::{UserPatch, UserResponse, repo},
    },
    db,
    error::Error,
    http::{
        Shared,
        extract::{Path, ValidJson},
        problem::Problem,
    },
};

/// The routes of this module, below `/api/v1`.
pub fn routes<S: Shared>() -> OpenApiRouter<S>
where
    db::Pool: FromRef<S>,
    Arc<Auth>: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(me, delete_me))
        .routes(routes!(change))
}

/// List users. Requires an administrator.
#[utoipa::path(get, path = "/users", operation_id = "users_list", tag = "users",
    security(("bearer" = ["admin"])),
    params(UserListing),
    responses((status = 200, description = "A page of users", body = UserPage)))]
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
    let user = repo::find(&db, user.id).await?.ok_or(Error::InvalidToken)?;
    Ok(Json(user.into()))
}

/// Delete the current user. Its name and address are erased, and the resources that it owns stay.
#[utoipa::path(delete, path = "/users/me", operation_id = "users_delete_me", tag = "users",
    responses(
        (status = 204, description = "The user is deleted"),
        (status = 409, description = "Problem: `conflict`",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn delete_me(State(auth): State<Arc<Auth>>, user: CurrentUser) -> Result<StatusCode, Error> {
    auth.delete_account(user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change the role of a user, disable or enable it. Requires an administrator.
#[utoipa::path(patch, path = "/users/{id}", operation_id = "users_change", tag = "users",
    security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path, description = "ID of the user.")),
    request_body(content(
        (UserPatch = "application/merge-patch+json"),
        (UserPatch = "application/json"),
    )),
    responses(
        (status = 200, description = "The updated user", body = UserResponse),
        (status = 409, description = "Problem: `conflict`",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn change(
    State(auth): State<Arc<Auth>>,
    Admin(admin): Admin,
    Path(id): Path<Uuid>,
    ValidJson(patch): ValidJson<UserPatch>,
) -> Result<Json<UserResponse>, Error> {
    let user = auth.change_account(admin, id, patch).await?;
    Ok(Json(user.into()))
}
