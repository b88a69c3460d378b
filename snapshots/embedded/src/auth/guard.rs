//! The guard of the API: routes that are not listed as public need an account.

use std::{ops::ControlFlow, sync::Arc};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request},
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{Auth, tokens::Identity, users::Role};
use crate::{
    error::Error,
    http::{
        caller::{Caller, Client},
        middleware::{around::Middleware, gate::Gate},
    },
    rate_limit::Admission,
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
    fn of(Identity { account, session }: Identity, role: Role) -> Self {
        Self { id: account, session, role }
    }

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
/// request is refused here; [`Guard`] does that.
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

/// Lets a request pass to a public route, and to others with a valid access token whose session has not
/// ended. A route below `/auth` has a separate limit, which counts signed-in requests by account, so that a
/// flood from an address does not affect the sessions of others there.
#[derive(Clone)]
pub struct Guard(pub Arc<Auth>);

impl Gate for Guard {
    /// Of the limit below `/auth`.
    type Pass = Option<Admission>;

    fn decide(&self, request: &mut Request) -> Option<ControlFlow<Response, Self::Pass>> {
        if path(request).starts_with("/auth/") {
            return None;
        }
        match identity(request) {
            Ok(Some(identity)) => {
                let role = self.0.leased_role(identity.session)?;
                request.extensions_mut().insert(CurrentUser::of(identity, role));
            }
            Ok(None) => {}
            Err(error) => return Some(ControlFlow::Break(error.into_response())),
        }
        Some(ControlFlow::Continue(None))
    }

    async fn ask(&self, request: &mut Request) -> ControlFlow<Response, Self::Pass> {
        let admission = match budget(request) {
            Some(client) => Some(self.0.admit(client).await?),
            None => None,
        };
        match self.authenticate(request).await {
            Ok(()) => ControlFlow::Continue(admission),
            Err(error) => ControlFlow::Break(Self::finish(admission, error.into_response())),
        }
    }

    fn finish(admission: Self::Pass, response: Response) -> Response {
        match admission {
            Some(admission) => admission.describe(response),
            None => response,
        }
    }
}

impl Guard {
    async fn authenticate(&self, request: &mut Request) -> Result<(), Error> {
        let Some(identity) = identity(request)? else { return Ok(()) };
        // Not a claim of the token: a change takes effect while the token is valid.
        let Some(role) = self.0.role(identity.session).await? else {
            if let Some(token) = bearer(request.headers()) {
                self.0.refuse(token);
            }
            return Err(Error::InvalidToken);
        };
        request.extensions_mut().insert(CurrentUser::of(identity, role));
        Ok(())
    }
}

/// The path with placeholders.
fn path(request: &Request) -> &str {
    request.extensions().get().map_or("", MatchedPath::as_str)
}

/// Whose budget a request below `/auth` uses, if any.
fn budget(request: &Request) -> Option<Client> {
    let caller = Caller::of(request);
    match path(request) {
        // No flood keeps a client from ending a session. The handler of a refresh counts it by its token.
        "/auth/logout" | "/auth/refresh" => None,
        // By address even with a token: each account would be another budget for guesses.
        "/auth/register" | "/auth/login" => Some(Client::Address(caller.network())),
        path => path.starts_with("/auth/").then(|| caller.client()),
    }
}

/// Of the token, where the route needs one.
fn identity(request: &Request) -> Result<Option<Identity>, Error> {
    if is_public(path(request), request.method().is_safe()) {
        return Ok(None);
    }
    request.extensions().get().copied().map(Some).ok_or_else(|| match bearer(request.headers()) {
        Some(_) => Error::InvalidToken,
        None => Error::Unauthenticated,
    })
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
