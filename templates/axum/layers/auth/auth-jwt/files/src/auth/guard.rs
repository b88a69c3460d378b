//! The guard of the API: routes that are not listed as public need an account.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};
use uuid::Uuid;

use super::{Auth, users::Role};
use crate::{error::Error, http::caller::Caller};

/// Routes that need no account.
const PUBLIC: [&str; 4] = ["/api/v1/info", "/auth/register", "/auth/login", "/auth/refresh"];

/// Whether a route needs no account, by its path with placeholders.
pub fn is_public(path: &str) -> bool {
    PUBLIC.contains(&path)
}

/// The account of a request. A handler that extracts it rejects other requests with 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrentUser {
    /// ID of the account.
    pub id: Uuid,
    /// Session of the access token.
    pub session: Uuid,
    /// Role of the account.
    pub role: Role,
}

impl CurrentUser {
    /// Owner of the resources that the account may read and write: `None` for any.
    pub fn scope(self) -> Option<Uuid> {
        (self.role != Role::Admin).then_some(self.id)
    }

    /// Whether the account may read and write the resources of `owner`.
    pub fn may(self, owner: Uuid) -> bool {
        self.scope().is_none_or(|own| own == owner)
    }
}

/// An administrator. A handler that extracts it rejects other accounts with 403.
#[derive(Clone, Copy, Debug)]
pub struct Admin(pub CurrentUser);

/// The account of a valid access token. Its session may have ended.
#[derive(Clone, Copy)]
struct Recognised(CurrentUser);

/// Middleware: verifies the access token of a request, and adds the account to its [`Caller`]. No
/// request is refused here; [`enforce`] does that.
pub async fn recognise(
    State(auth): State<Arc<Auth>>,
    mut caller: Caller,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(user) = bearer(request.headers()).and_then(|token| auth.verify(token)) {
        caller.account = Some(user.id);
        request.extensions_mut().insert(caller);
        request.extensions_mut().insert(Recognised(user));
    }
    next.run(request).await
}

/// Middleware: a route that is not public needs a valid access token whose session has not ended.
///
/// # Errors
/// [`Error::Unauthenticated`]; [`Error::RateLimited`] below `/auth`.
pub async fn enforce(
    State(auth): State<Arc<Auth>>,
    caller: Caller,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map_or("", MatchedPath::as_str);
    if path.starts_with("/auth/") {
        auth.admit(caller.address).await?;
    }
    if !is_public(path) {
        let recognised = request.extensions().get().copied();
        let Recognised(user) = recognised.ok_or(Error::Unauthenticated)?;
        if auth.has_ended(user.session).await? {
            return Err(Error::Unauthenticated);
        }
        request.extensions_mut().insert(user);
    }
    Ok(next.run(request).await)
}

/// The token of `Authorization: Bearer …` (RFC 6750, 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl<S: Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().copied().ok_or(Error::Unauthenticated)
    }
}

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let user = CurrentUser::from_request_parts(parts, state).await?;
        if user.role == Role::Admin { Ok(Self(user)) } else { Err(Error::Forbidden) }
    }
}
