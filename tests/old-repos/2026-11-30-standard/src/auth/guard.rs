//! Who is asking, and whether that is enough. What is not listed as public needs an account.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};
use uuid::Uuid;

use super::Auth;
use crate::{error::AppError, rate_limit, state::AppState, users::Role};

/// Routes that anybody may call.
const PUBLIC: [&str; 4] = ["/api/v1/info", "/auth/register", "/auth/login", "/auth/refresh"];

/// Whether anybody may call a route, by its path with placeholders.
pub fn is_public(path: &str) -> bool {
    PUBLIC.contains(&path)
}

/// Somebody who signed in. As an argument of a handler: 401 for anybody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrentUser {
    /// The account.
    pub id: Uuid,
    /// The session that the token belongs to.
    pub session: Uuid,
    /// What the account may do.
    pub role: Role,
}

impl CurrentUser {
    /// Whose things it may see and change: `None` for everybody's.
    pub fn scope(self) -> Option<Uuid> {
        (self.role != Role::Admin).then_some(self.id)
    }

    /// Whether that takes in what belongs to `owner`.
    pub fn may(self, owner: Uuid) -> bool {
        self.scope().is_none_or(|own| own == owner)
    }
}

/// An administrator. As an argument of a handler: 403 for other accounts.
#[derive(Clone, Copy, Debug)]
pub struct Admin(pub CurrentUser);

/// Middleware: lets requests to public routes through, others with a good token of a living session.
///
/// # Errors
/// 401; 429 for too many requests to the routes of accounts.
pub async fn enforce(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Result<Response, AppError> {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map_or("", MatchedPath::as_str);
    if path.starts_with("/auth/") {
        let proxies = state.config.trusted_proxies;
        let address = rate_limit::address(peer.ip(), request.headers(), proxies);
        state.auth.admit(address).await?;
    }
    if !is_public(path) {
        let user = token_owner(&state.auth, &mut request).ok_or(AppError::Unauthorized)?;
        if state.auth.has_ended(user.session).await? {
            return Err(AppError::Unauthorized);
        }
        request.extensions_mut().insert(user);
    }
    Ok(next.run(request).await)
}

/// What the token of a request came to, so that it is verified once.
#[derive(Clone, Copy)]
struct Verified(Option<CurrentUser>);

/// Who the token of a request speaks for, where it is good. Its session may have ended.
pub fn token_owner(auth: &Auth, request: &mut Request) -> Option<CurrentUser> {
    if let Some(Verified(owner)) = request.extensions().get() {
        return *owner;
    }
    let owner = bearer(request.headers()).and_then(|token| auth.verify(token));
    request.extensions_mut().insert(Verified(owner));
    owner
}

/// The token of `Authorization: Bearer …` (RFC 6750, 2.1).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl<S: Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        parts.extensions.get().copied().ok_or(AppError::Unauthorized)
    }
}

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let user = CurrentUser::from_request_parts(parts, state).await?;
        if user.role == Role::Admin { Ok(Self(user)) } else { Err(AppError::Forbidden) }
    }
}
