//! Errors of the service, without HTTP: `http/problem.rs` turns them into responses.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use utoipa::ToSchema;

/// Cause of an error. It is logged and never sent.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The same in an [`Error`], of which all tasks that wait for one operation get a clone.
pub type SharedCause = Arc<dyn std::error::Error + Send + Sync>;

/// Why an operation failed. `Display` is the sentence for the client.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The resource does not exist, or the caller must not learn that it does.
    #[error("The resource does not exist.")]
    NotFound,
    /// The caller has sent no access token.
    #[error("This needs a valid access token.")]
    Unauthenticated,
    /// The caller has sent an access token that is not valid, or whose session has ended.
    #[error("The access token is not valid.")]
    InvalidToken,
    /// The email address or the password is wrong; never which of them.
    #[error("The email address or the password is wrong.")]
    WrongCredentials,
    /// The caller is known and lacks the permission.
    #[error("You do not have permission to do this.")]
    Forbidden,
    /// A value that must be unique belongs to another resource.
    #[error("Another resource already has this value.")]
    Taken(FieldFault),
    /// Other resources refer to the resource: which, where that is known.
    #[error("The resource is still referenced{}.", by(.0.as_deref()))]
    Referenced(Option<String>),
    /// An earlier copy of the request is still being processed.
    #[error("An earlier request with this key is still in progress.")]
    InProgress,
    /// The request is valid and does not fit the state of the resource.
    #[error("{0}")]
    Conflict(String),
    /// The resource is at another version than the request expects.
    #[error("The resource has changed since it was read.")]
    Stale,
    /// Values that break a rule: all that were found.
    #[error("The request has invalid values.")]
    Invalid(Vec<FieldFault>),
    /// The caller has used up its rate limit.
    #[error("The rate limit is exceeded.")]
    RateLimited {
        /// Time until the next request is allowed.
        retry_after: Duration,
    },
    /// The service has as many requests in flight as it accepts.
    #[error("The service has too many requests in flight.")]
    Overloaded,
    /// The client is too slow to send the body of its request.
    #[error("The request body took too long to arrive.")]
    SlowBody,
    /// A required dependency does not answer.
    #[error("The service is temporarily unavailable.")]
    Unavailable(#[source] SharedCause),
    /// The operation exceeded its time limit.
    #[error("The operation took too long.")]
    TimedOut,
    /// The service is at fault.
    #[error("The service failed.")]
    Internal(#[source] SharedCause),
    // Errors of your own:
}

impl Error {
    /// An internal error with its cause.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into().into())
    }

    /// The error of a dependency that does not answer, with its cause.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::Unavailable(cause.into().into())
    }
}

fn by(referrer: Option<&str>) -> String {
    referrer.map_or_else(String::new, |referrer| format!(" by {referrer}"))
}

/// A value of a request that was rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldFault {
    /// JSON pointer (RFC 6901) into the body, or `/name` of a path or query parameter.
    #[schema(example = "/items/0/quantity")]
    pub pointer: String,
    /// Description of the fault, for people.
    #[schema(example = "greater than 100")]
    pub detail: String,
    /// Kind of fault, for programs.
    pub code: FaultCode,
}

/// Kind of fault of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    /// The value breaks a rule.
    Invalid,
    /// A required value is missing.
    Missing,
    /// The value refers to a resource that does not exist.
    Reference,
    /// The value must be unique and belongs to another resource.
    Taken,
    /// The value has the wrong type.
    Type,
    /// The request has no such field.
    Unknown,
}
