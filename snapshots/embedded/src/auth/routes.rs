//! HTTP of accounts.

use std::{ops::ControlFlow, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{
    Auth, CurrentUser, Device,
    dto::{
        Credentials, PasswordChange, RefreshRequest, Registration, SessionList, SessionResponse,
        TokenPair,
    },
    service::NewAccount,
    users::{Role, UserResponse},
};
use crate::{
    error::Error,
    http::{
        caller::Caller,
        extract::{Path, ValidJson},
        problem::Problem,
    },
};

/// Characters of a `User-Agent` that are stored.
const MAX_USER_AGENT: usize = 256;

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
    headers: HeaderMap,
    ValidJson(Credentials { email, password }): ValidJson<Credentials>,
) -> Result<Json<TokenPair>, Error> {
    let user_agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let device = Device {
        address: Some(caller.network().to_string()),
        user_agent: user_agent.map(|agent| agent.chars().take(MAX_USER_AGENT).collect()),
    };
    auth.login(&email, password, caller.network(), &device).await.map(Json)
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
    caller: Caller,
    ValidJson(RefreshRequest { refresh_token }): ValidJson<RefreshRequest>,
) -> Result<Response, Error> {
    let client = auth.refreshing(&refresh_token, caller.network()).await?;
    Ok(match auth.admit(client).await {
        ControlFlow::Continue(admission) => {
            admission.describe(auth.refresh(&refresh_token).await.map(Json).into_response())
        }
        ControlFlow::Break(refusal) => refusal,
    })
}

/// End the session. Once that is answered, its tokens are refused.
#[utoipa::path(post, path = "/logout", operation_id = "auth_logout", tag = "auth",
    responses((status = 204, description = "The session has ended")))]
pub async fn logout(State(auth): State<Arc<Auth>>, user: CurrentUser) -> Result<StatusCode, Error> {
    auth.logout(user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change the password. Every other session of the account ends.
#[utoipa::path(post, path = "/password", operation_id = "auth_change_password", tag = "auth",
    request_body = PasswordChange,
    responses(
        (status = 204, description = "The password has changed"),
        (status = 401, description = "Problem: `unauthenticated`, `wrong-credentials`",
            body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn change_password(
    State(auth): State<Arc<Auth>>,
    user: CurrentUser,
    caller: Caller,
    ValidJson(PasswordChange { current, new }): ValidJson<PasswordChange>,
) -> Result<StatusCode, Error> {
    auth.change_password(user, current, new, caller.network()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the active sessions of the account, newest first.
#[utoipa::path(get, path = "/sessions", operation_id = "auth_list_sessions", tag = "auth",
    responses((status = 200, description = "The newest 100 sessions", body = SessionList)))]
pub async fn list_sessions(
    State(auth): State<Arc<Auth>>,
    user: CurrentUser,
) -> Result<Json<SessionList>, Error> {
    let sessions = auth.sessions(user).await?.into_iter();
    let items = sessions.map(|session| SessionResponse::new(session, user.session)).collect();
    Ok(Json(SessionList { items }))
}

/// End a session of the account. Once that is answered, its tokens are refused.
#[utoipa::path(delete, path = "/sessions/{id}", operation_id = "auth_end_session", tag = "auth",
    params(("id" = Uuid, Path, description = "ID of the session.")),
    responses((status = 204, description = "The session has ended")))]
pub async fn end_session(
    State(auth): State<Arc<Auth>>,
    user: CurrentUser,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Error> {
    auth.end_session(user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all sessions of the account, the current one included.
#[utoipa::path(delete, path = "/sessions", operation_id = "auth_end_sessions", tag = "auth",
    responses((status = 204, description = "The sessions have ended")))]
pub async fn end_sessions(
    State(auth): State<Arc<Auth>>,
    user: CurrentUser,
) -> Result<StatusCode, Error> {
    auth.end_sessions(user).await?;
    Ok(StatusCode::NO_CONTENT)
}
