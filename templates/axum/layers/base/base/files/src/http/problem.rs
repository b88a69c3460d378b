//! Problem details (RFC 9457): the table of all kinds, and the responses made from it.

use std::{borrow::Cow, time::Duration};

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Shared, extract::Path, health::Component};
use crate::{
    error::{Error, FieldFault, SharedCause},
    telemetry::request::Current,
};

/// The media type of every error body.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// `type` of a problem whose status has no kind in the table.
const BLANK: &str = "about:blank";

/// Declares [`Kind`] with a row for each: name, status, title, meaning.
macro_rules! kinds {
    ($($kind:ident = $name:literal, $status:ident, $title:literal, $detail:literal;)+) => {
        /// A kind of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = $detail] $kind,)+
        }

        impl Kind {
            /// All kinds, in the order of their statuses.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// The kind as text.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)+ }
            }

            /// `type` of its problems, relative to the service.
            pub fn uri(self) -> &'static str {
                match self { $(Self::$kind => concat!("/problems/", $name),)+ }
            }

            /// Status of its responses.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$kind => StatusCode::$status,)+ }
            }

            /// `title` of its problems.
            pub fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)+ }
            }

            /// Description of the kind.
            pub fn detail(self) -> &'static str {
                match self { $(Self::$kind => $detail,)+ }
            }
        }
    };
}

// Of several kinds with one status, the first is that of responses without a kind. Each kind is in
// docs/problems.md, too.
kinds! {
    Malformed = "malformed", BAD_REQUEST, "Malformed request",
        "The request cannot be parsed.";
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Not authenticated",
        "The access token is missing, invalid or expired, or its session has ended.";
    WrongCredentials = "wrong-credentials", UNAUTHORIZED, "Wrong credentials",
        "The email address or the password is wrong.";
    Forbidden = "forbidden", FORBIDDEN, "Forbidden",
        "The account does not have permission to do this.";
    NotFound = "not-found", NOT_FOUND, "Not found",
        "The path does not exist, or the resource does not exist for this account.";
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "Method not allowed",
        "The path does not support the method; `Allow` lists the supported methods.";
    NotAcceptable = "not-acceptable", NOT_ACCEPTABLE, "Not acceptable",
        "The service has no representation that `Accept` and `Accept-Encoding` allow.";
    SlowBody = "slow-body", REQUEST_TIMEOUT, "Body too slow",
        "The body of the request took too long to arrive.";
    Conflict = "conflict", CONFLICT, "Conflict",
        "The request is valid and does not fit the current state of the resource.";
    Taken = "taken", CONFLICT, "Value taken",
        "A value must be unique and belongs to another resource; `errors` names the field.";
    Referenced = "referenced", CONFLICT, "Still referenced",
        "The resource cannot be deleted while other resources refer to it.";
    InProgress = "in-progress", CONFLICT, "Request in progress",
        "A request with the same `Idempotency-Key` is still in progress; retry later.";
    Stale = "stale", PRECONDITION_FAILED, "Stale version",
        "The resource is at another version than `If-Match` names; read it again.";
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "Body too large",
        "The request body exceeds the size limit of the service.";
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "Unsupported media type",
        "The operation does not support the `Content-Type` of the request body.";
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "Invalid values",
        "Values of the request break rules; `errors` lists all that were found.";
    RateLimited = "rate-limited", TOO_MANY_REQUESTS, "Rate limit exceeded",
        "The client has sent too many requests; retry after `Retry-After` seconds.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Internal error",
        "The service failed; its log has the cause under `request_id`.";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Service unavailable",
        "A dependency of the service does not answer; retry later.";
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "Service overloaded",
        "The service has too many requests in flight; retry later.";
    Stopping = "stopping", SERVICE_UNAVAILABLE, "Service stopping",
        "The replica is shutting down; other replicas accept requests.";
    TimedOut = "timed-out", GATEWAY_TIMEOUT, "Timed out",
        "The request exceeded the time limit of the service.";
    // Kinds of your own:
}

impl From<&Error> for Kind {
    fn from(error: &Error) -> Self {
        match error {
            Error::NotFound => Self::NotFound,
            Error::Unauthenticated | Error::InvalidToken => Self::Unauthenticated,
            Error::WrongCredentials => Self::WrongCredentials,
            Error::Forbidden => Self::Forbidden,
            Error::Taken(_) => Self::Taken,
            Error::Referenced(_) => Self::Referenced,
            Error::InProgress => Self::InProgress,
            Error::Conflict(_) => Self::Conflict,
            Error::Stale => Self::Stale,
            Error::Invalid(_) => Self::Invalid,
            Error::RateLimited { .. } => Self::RateLimited,
            Error::Overloaded => Self::Overloaded,
            Error::SlowBody => Self::SlowBody,
            Error::Unavailable(_) => Self::Unavailable,
            Error::TimedOut => Self::TimedOut,
            Error::Internal(_) => Self::Internal,
            // Errors of your own:
        }
    }
}

/// The schema of `type`: one of a list, in which a client finds all that it may meet.
impl PartialSchema for Kind {
    fn schema() -> RefOr<Schema> {
        let values = Self::ALL.iter().map(|kind| kind.uri()).chain([BLANK]);
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values));
        schema
            .description(Some("Kind of problem. `about:blank` adds nothing to the status."))
            .into()
    }
}

impl ToSchema for Kind {
    fn name() -> Cow<'static, str> {
        "ProblemKind".into()
    }
}

/// The body of an error response, and its headers.
#[derive(Debug)]
pub struct Problem(Box<Members>);

/// Error response: problem details, RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
struct Members {
    /// URI of the kind of problem, relative to the service. It leads to a description.
    #[serde(rename = "type")]
    #[schema(value_type = Kind)]
    kind: &'static str,
    /// The kind of problem in words.
    #[schema(value_type = String, example = "Not found")]
    title: &'static str,
    /// HTTP status.
    #[schema(example = 404, minimum = 400, maximum = 599)]
    status: u16,
    /// Description of this occurrence, for people.
    #[schema(value_type = String, example = "The resource does not exist.")]
    detail: Cow<'static, str>,
    /// Path of the request.
    #[schema(example = "/api/v1/nothing")]
    instance: String,
    /// ID of the request in the logs.
    #[schema(example = "0193a5c4-7d1e-7c3a-9b57-0d6c1f2a8e4b")]
    request_id: String,
    /// Every rejected value; present with status 409 and 422 only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldFault>,
    /// State of each dependency; present in responses of `/health/ready` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<Vec<Component>>,
    #[serde(skip)]
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of the request in progress.
    pub fn new(kind: Kind) -> Self {
        Self::with(kind.status(), kind.uri(), kind.title(), kind.detail())
    }

    /// The problem of a response that has a status alone.
    pub fn of_status(status: StatusCode) -> Self {
        let kind = Kind::ALL.iter().find(|kind| kind.status() == status);
        let blank = || {
            let title = status.canonical_reason().unwrap_or("Error");
            Self::with(status, BLANK, title, "The request failed.")
        };
        kind.map_or_else(blank, |kind| Self::new(*kind))
    }

    fn with(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: &'static str,
    ) -> Self {
        let (instance, request_id) =
            Current::with(|request| (request.uri.path().to_owned(), request.id_str().to_owned()))
                .unwrap_or_default();
        Self(Box::new(Members {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.into(),
            instance,
            request_id,
            errors: Vec::new(),
            components: None,
            header: None,
        }))
    }

    /// Replaces the description of the kind by one of this occurrence.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// Adds the state of each dependency.
    #[must_use]
    pub fn components(mut self, components: Vec<Component>) -> Self {
        self.0.components = Some(components);
        self
    }
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        Members::schema()
    }
}

impl ToSchema for Problem {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Members::schemas(schemas);
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if let Error::Unavailable(cause) | Error::Internal(cause) = &error {
            tracing::error!(cause = chain(cause), "{error}");
        }
        let mut problem = Self::new(Kind::from(&error)).detail(error.to_string());
        match error {
            Error::Invalid(faults) => problem.0.errors = faults,
            Error::Taken(fault) => problem.0.errors = vec![fault],
            Error::Unauthenticated | Error::WrongCredentials => {
                problem.0.header = Some(challenge(CHALLENGE));
            }
            Error::InvalidToken => {
                problem.0.header = Some(challenge(INVALID_TOKEN));
            }
            Error::RateLimited { retry_after } => problem.0.header = Some(retry(retry_after)),
            Error::Unavailable(_) | Error::Overloaded => {
                problem.0.header = Some(retry(Duration::from_secs(1)));
            }
            _ => {}
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let status = StatusCode::from_u16(self.0.status).expect("made from a StatusCode");
        let header = self.0.header.take();
        let mut response = (status, Json(self.0)).into_response();
        let media_type = HeaderValue::from_static(PROBLEM_JSON);
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        response.headers_mut().extend(header);
        response
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

/// With an error only for a request that has sent a token (RFC 6750, 3.1).
/// For a client without a token (RFC 6750, 3).
const CHALLENGE: &str = concat!("Bearer realm=\"", env!("CARGO_PKG_NAME"), "\"");

/// For one with a token that is not valid, or not any more.
const INVALID_TOKEN: &str =
    concat!("Bearer realm=\"", env!("CARGO_PKG_NAME"), "\", error=\"invalid_token\"");

fn challenge(challenge: &'static str) -> (HeaderName, HeaderValue) {
    (header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

/// Rounded up, so that a client that waits this long is not early.
fn retry(after: Duration) -> (HeaderName, HeaderValue) {
    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    (header::RETRY_AFTER, seconds.into())
}

/// An error with its causes, outermost first.
pub fn chain(error: &SharedCause) -> String {
    let error: &dyn std::error::Error = error.as_ref();
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The routes of this module.
pub fn routes<S: Shared>() -> OpenApiRouter<S> {
    OpenApiRouter::new().routes(routes!(get))
}

/// A kind of problem, as its URI leads to it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProblemDescription)]
struct Description {
    /// URI of the kind.
    #[serde(rename = "type")]
    #[schema(value_type = Kind)]
    kind: &'static str,
    /// The kind in words.
    #[schema(value_type = String, example = "Not found")]
    title: &'static str,
    /// HTTP status of its responses.
    #[schema(example = 404, minimum = 400, maximum = 599)]
    status: u16,
    /// Description of the kind.
    #[schema(value_type = String)]
    detail: &'static str,
}

/// Get a kind of problem.
#[utoipa::path(get, path = "/problems/{kind}", operation_id = "problems_get", tag = "problems",
    params(("kind" = String, Path, description = "Last segment of a problem's `type`",
        example = "not-found")),
    responses((status = 200, description = "The kind of problem", body = Description)))]
async fn get(Path(name): Path<String>) -> Result<Json<Description>, Error> {
    let kind = Kind::ALL.iter().find(|kind| kind.name() == name).ok_or(Error::NotFound)?;
    Ok(Json(Description {
        kind: kind.uri(),
        title: kind.title(),
        status: kind.status().as_u16(),
        detail: kind.detail(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_its_variant_in_kebab_case() {
        for kind in Kind::ALL {
            let mut name = String::new();
            for c in format!("{kind:?}").chars() {
                if c.is_uppercase() && !name.is_empty() {
                    name.push('-');
                }
                name.extend(c.to_lowercase());
            }
            assert_eq!(kind.name(), name);
        }
    }

    /// The table of docs/problems.md is this one.
    #[test]
    fn every_kind_is_documented() {
        let rows = Kind::ALL.iter().map(|kind| {
            let (name, status) = (kind.name(), kind.status().as_u16());
            format!("| `{name}` | {status} | {} | {} |\n", kind.title(), kind.detail())
        });
        let page = include_str!("../../docs/problems.md");
        assert!(page.ends_with(&rows.collect::<String>()), "write docs/problems.md as here");
    }
}
