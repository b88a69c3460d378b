//! Errors as clients see them: problem details (RFC 9457), whatever went wrong and wherever.

use std::{borrow::Cow, time::Duration};

use axum::{
    BoxError,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::request::Current;

/// The media type of every error body.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What a handler can fail with.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// 400: the request cannot be read.
    #[error("{0}")]
    BadRequest(String),
    /// 401: who asks is not known. Says so with `WWW-Authenticate`.
    #[error("This needs a valid token.")]
    Unauthorized,
    /// 401: the address or the password is wrong; never which.
    #[error("The address or the password is wrong.")]
    WrongCredentials,
    /// 403: who asks is known, and may not.
    #[error("This is not yours to do.")]
    Forbidden,
    /// 404
    #[error("There is nothing at this address.")]
    NotFound,
    /// 406: no media type or encoding that the client takes can be produced.
    #[error("{0}")]
    NotAcceptable(&'static str),
    /// 409: the request is in order, the state of the resource is not.
    #[error("{0}")]
    Conflict(String),
    /// 409: another resource has this value already, and only one may.
    #[error("Another one has this value already.")]
    Taken(FieldFault),
    /// 412: `If-Match` names another version.
    #[error("The resource has changed since it was read.")]
    PreconditionFailed,
    /// 413
    #[error("The body is larger than this service takes.")]
    PayloadTooLarge,
    /// 415
    #[error("The body must be sent as application/json.")]
    UnsupportedMediaType,
    /// 422, with every fault that was found.
    #[error("The request has invalid values.")]
    Invalid(Vec<FieldFault>),
    /// 429
    #[error("The rate limit is used up.")]
    TooManyRequests {
        /// Time until the next request is let in.
        retry_after: Duration,
    },
    /// 503: something that this service depends on is down. The cause is logged, not sent.
    #[error("The service cannot answer right now.")]
    Unavailable(#[source] BoxError),
    /// 503: there are as many requests in flight as there may be.
    #[error("The service has too much to do right now.")]
    Overloaded,
    /// 504
    #[error("The request took longer than the service allows.")]
    Timeout,
    /// 500. The cause is logged, not sent.
    #[error("The service failed to answer.")]
    Internal(#[source] BoxError),
    // Errors of your own:
}

impl AppError {
    /// The status that this error is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized | Self::WrongCredentials => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::Conflict(_) | Self::Taken(_) => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) | Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            // Errors of your own:
        }
    }

    /// An internal error from any cause.
    pub fn internal(cause: impl Into<BoxError>) -> Self {
        Self::Internal(cause.into())
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        if let Self::Unavailable(cause) | Self::Internal(cause) = &self {
            tracing::error!(cause = chain(cause.as_ref()), "{self}");
        }
        let mut problem = Problem::new(self.status()).detail(self.to_string());
        let mut header = None;
        match self {
            Self::Invalid(faults) => problem.errors = faults,
            Self::Taken(fault) => problem.errors = vec![fault],
            Self::Unauthorized | Self::WrongCredentials => {
                header = Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
            }
            Self::TooManyRequests { retry_after } => header = Some(retry(retry_after)),
            Self::Unavailable(_) | Self::Overloaded => {
                header = Some(retry(Duration::from_secs(1)));
            }
            _ => {}
        }
        let mut response = problem.into_response();
        response.headers_mut().extend(header);
        response
    }
}

/// Rounded up: a client that waits as told must not be early.
fn retry(after: Duration) -> (HeaderName, HeaderValue) {
    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    (header::RETRY_AFTER, seconds.into())
}

/// One value of a request that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldFault {
    /// JSON pointer (RFC 6901) into the body, or `/name` of a path or query parameter.
    #[schema(example = "/items/0/quantity")]
    pub pointer: String,
    /// What is wrong, for people.
    #[schema(example = "greater than 100")]
    pub detail: String,
    /// What is wrong, for programs.
    pub code: FaultCode,
}

/// Kinds of [`FieldFault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    /// The value breaks a rule.
    Invalid,
    /// A value that must be there is not.
    Missing,
    /// The value refers to something that is not there.
    Reference,
    /// Another one has this value, and only one may.
    Taken,
    /// The value is of another type.
    Type,
    /// The field is not part of the request.
    Unknown,
}

/// Body of every error: problem details, RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// URI of the kind of problem; `about:blank` says no more than the status does.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The status in words.
    #[schema(example = "Not Found")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 404, minimum = 400, maximum = 599)]
    status: u16,
    /// What happened this time, for people.
    #[schema(value_type = String, example = "There is nothing at this address.")]
    detail: Cow<'static, str>,
    /// The path that was asked for.
    #[schema(example = "/api/v1/nothing")]
    instance: String,
    /// Names the request in the logs.
    #[schema(example = "0193a5c4-7d1e-7c3a-9b57-0d6c1f2a8e4b")]
    request_id: String,
    /// Every value that was refused; only with status 409 and 422.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldFault>,
    /// State of each dependency; only from `/health/ready`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<crate::health::Component>>)]
    components: Option<Vec<crate::health::Component>>,
}

impl Problem {
    /// A problem of the request being served.
    pub fn new(status: StatusCode) -> Self {
        let (instance, request_id) =
            Current::with(|request| (request.uri.path().to_owned(), request.id_str().to_owned()))
                .unwrap_or_default();
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: Cow::Borrowed(default_detail(status)),
            instance,
            request_id,
            errors: Vec::new(),
            components: None,
        }
    }

    /// Says what happened this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Adds the state of each dependency.
    #[must_use]
    pub fn components(mut self, components: Vec<crate::health::Component>) -> Self {
        self.components = Some(components);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).expect("made from a StatusCode");
        let mut response = (status, axum::Json(self)).into_response();
        let media_type = HeaderValue::from_static(PROBLEM_JSON);
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        response
    }
}

/// What is said where nobody says more: the framework's own errors.
fn default_detail(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "The request cannot be read.",
        StatusCode::NOT_FOUND => "There is nothing at this address.",
        StatusCode::METHOD_NOT_ALLOWED => "The method is not one of those named by Allow.",
        StatusCode::NOT_ACCEPTABLE => "Nothing that the client accepts can be produced.",
        StatusCode::PAYLOAD_TOO_LARGE => "The body is larger than this service takes.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "The body must be sent as application/json.",
        status if status.is_server_error() => "The service failed to answer.",
        _ => "The request was refused.",
    }
}

/// An error with its causes, outermost first.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
