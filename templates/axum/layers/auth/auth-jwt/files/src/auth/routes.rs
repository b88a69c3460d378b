//! HTTP of accounts.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};

use super::{
    Auth, CurrentUser,
    dto::{Credentials, RefreshRequest, Registration, TokenPair},
    service::NewAccount,
    users::{Role, UserResponse},
};
use crate::{
    error::Error,
    http::{caller::Caller, extract::ValidJson, problem::Problem},
};

/// Register an account.
#[utoipa::path(post, path = "/register", operation_id = "auth_register", tag = "auth",
    request_body = Registration,
    responses(
        (status = 201, description = "The account", body = UserResponse),
        (status = 409, description = "Problem: `taken`",
            body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn register(
    State(auth): State<Arc<Auth>>,
    ValidJson(Registration { username, email, password }): ValidJson<Registration>,
) -> Result<(StatusCode, Json<UserResponse>), Error> {
    let account = NewAccount { username, email, password, role: Role::User };
    let user = auth.register(account).await?;
    Ok((StatusCode::CREATED, Json(user.into())))
}

/// Begin a session.
#[utoipa::path(post, path = "/login", operation_id = "auth_login", tag = "auth",
    request_body = Credentials,
    responses(
        (status = 200, description = "The token pair of the session", body = TokenPair),
        (status = 401, description = "Problem: `wrong-credentials`",
            body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn login(
    State(auth): State<Arc<Auth>>,
    caller: Caller,
    ValidJson(Credentials { email, password }): ValidJson<Credentials>,
) -> Result<Json<TokenPair>, Error> {
    auth.login(&email, password, caller.address).await.map(Json)
}

/// Exchange a refresh token for a new token pair.
#[utoipa::path(post, path = "/refresh", operation_id = "auth_refresh", tag = "auth",
    request_body = RefreshRequest,
    responses(
        (status = 200, description = "The new token pair", body = TokenPair),
        (status = 401, description = "Problem: `unauthenticated`",
            body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn refresh(
    State(auth): State<Arc<Auth>>,
    ValidJson(RefreshRequest { refresh_token }): ValidJson<RefreshRequest>,
) -> Result<Json<TokenPair>, Error> {
    auth.refresh(&refresh_token).await.map(Json)
}

/// End the session. Its tokens are refused at once.
#[utoipa::path(post, path = "/logout", operation_id = "auth_logout", tag = "auth",
    responses((status = 204, description = "The session has ended")))]
pub async fn logout(State(auth): State<Arc<Auth>>, user: CurrentUser) -> Result<StatusCode, Error> {
    auth.logout(user).await?;
    Ok(StatusCode::NO_CONTENT)
}
