//! The guard of the API: routes that are not listed as public need an account.

use std::{ops::ControlFlow, sync::Arc};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{Auth, tokens::Identity, users::Role};
use crate::{
    error::Error,
    http::{
        caller::{Caller, Client},
        middleware::around::Middleware,
    },
    telemetry::request::Current,
};

/// Routes that need no account.
const PUBLIC: [&str; 4] = ["/api/v1/info", "/auth/register", "/auth/login", "/auth/refresh"];

/// Whether an operation needs no account, by its path with placeholders and whether it only reads.
pub fn is_public(path: &str, _: bool) -> bool {
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

/// Middleware: verifies the access token of a request, and adds the account to its [`Caller`]. No
/// request is refused here; [`enforce`] does that.
#[derive(Clone)]
pub struct Recognise(pub Arc<Auth>);

impl Middleware for Recognise {
    type Kept = ();

    fn before(&self, request: &mut Request) -> ControlFlow<Response> {
        if let Some(identity) = bearer(request.headers()).and_then(|token| self.0.verify(token)) {
            let caller = Caller { account: Some(identity.account), ..Caller::of(request) };
            Current::recognised(identity.account);
            request.extensions_mut().insert(caller);
            request.extensions_mut().insert(identity);
        }
        ControlFlow::Continue(())
    }
}

/// Middleware: a route that is not public needs a valid access token whose session has not ended, and a
/// route below `/auth` has a separate limit. It counts signed-in requests by account, so that a flood from
/// an address does not affect the sessions of others there.
pub async fn enforce(
    State(auth): State<Arc<Auth>>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map_or("", MatchedPath::as_str);
    let response = async { authenticate(&auth, path, request, next).await.into_response() };
    let client = match path {
        // No flood keeps a client from ending a session. The handler of a refresh counts it by its token.
        "/auth/logout" | "/auth/refresh" => None,
        // By address even with a token: each account would be another budget for guesses.
        "/auth/register" | "/auth/login" => Some(Client::Address(caller.network())),
        _ => path.starts_with("/auth/").then(|| caller.client()),
    };
    match client {
        Some(client) => auth.admit(client, response).await,
        None => response.await,
    }
}

async fn authenticate(
    auth: &Auth,
    path: &str,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    if !is_public(path, request.method().is_safe()) {
        let Some(Identity { account, session }) = request.extensions().get().copied() else {
            let given = bearer(request.headers()).is_some();
            return Err(if given { Error::InvalidToken } else { Error::Unauthenticated });
        };
        // Not a claim of the token: a change takes effect while the token is valid.
        let Some(role) = auth.role(session).await? else {
            if let Some(token) = bearer(request.headers()) {
                auth.refuse(token);
            }
            return Err(Error::InvalidToken);
        };
        request.extensions_mut().insert(CurrentUser { id: account, session, role });
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
