//! HTTP of accounts.

use std::net::SocketAddr;

use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode},
};

use super::{
    CurrentUser,
    dto::{Credentials, RefreshRequest, Registration, TokenPair},
    service::NewAccount,
};
use crate::{
    error::{AppError, Problem},
    extract::ValidJson,
    rate_limit,
    state::AppState,
    users::{Role, UserResponse},
};

/// Opens an account.
#[utoipa::path(post, path = "/register", operation_id = "auth_register", tag = "auth",
    request_body = Registration,
    responses(
        (status = 201, description = "The account", body = UserResponse),
        (status = 409, description = "The name or the address is taken",
            body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn register(
    State(state): State<AppState>,
    ValidJson(Registration { username, email, password }): ValidJson<Registration>,
) -> Result<(StatusCode, Json<UserResponse>), AppError> {
    let account = NewAccount { username, email, password, role: Role::User };
    let user = state.auth.register(account).await?;
    Ok((StatusCode::CREATED, Json(user.into())))
}

/// Begins a session.
#[utoipa::path(post, path = "/login", operation_id = "auth_login", tag = "auth",
    request_body = Credentials,
    responses(
        (status = 200, description = "Tokens of the new session", body = TokenPair),
        (status = 401, description = "The address or the password is wrong",
            body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn login(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    ValidJson(Credentials { email, password }): ValidJson<Credentials>,
) -> Result<Json<TokenPair>, AppError> {
    let address = rate_limit::address(peer.ip(), &headers, state.config.trusted_proxies);
    state.auth.login(&email, password, address).await.map(Json)
}

/// Goes on with a session: spends its refresh token for the next pair.
#[utoipa::path(post, path = "/refresh", operation_id = "auth_refresh", tag = "auth",
    request_body = RefreshRequest,
    responses(
        (status = 200, description = "The next tokens", body = TokenPair),
        (status = 401, description = "The token is unknown, spent or of a session that is over",
            body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn refresh(
    State(state): State<AppState>,
    ValidJson(RefreshRequest { refresh_token }): ValidJson<RefreshRequest>,
) -> Result<Json<TokenPair>, AppError> {
    state.auth.refresh(&refresh_token).await.map(Json)
}

/// Ends the session: its tokens are refused from now on.
#[utoipa::path(post, path = "/logout", operation_id = "auth_logout", tag = "auth",
    responses((status = 204, description = "The session is over")))]
pub async fn logout(
    State(state): State<AppState>,
    user: CurrentUser,
) -> Result<StatusCode, AppError> {
    state.auth.logout(user).await?;
    Ok(StatusCode::NO_CONTENT)
}
