//! What a failure of the database is to a client.

use sqlx::error::{DatabaseError, ErrorKind};

use super::postgres::{Failure, failure};
use crate::error::AppError;

impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(cause) => match refusal(cause.as_ref()) {
                Some(refusal) => refusal,
                None => match failure(cause.as_ref()) {
                    Some(Failure::Down) => Self::Unavailable(error.into()),
                    Some(Failure::Slow) => Self::Timeout,
                    None => Self::internal(error),
                },
            },
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_) => Self::Unavailable(error.into()),
            _ => Self::internal(error),
        }
    }
}

/// What the request asks for goes against what is stored: no fault of the service.
fn refusal(cause: &dyn DatabaseError) -> Option<AppError> {
    let why = match cause.kind() {
        ErrorKind::UniqueViolation => "There is one with such a value already.",
        ErrorKind::ForeignKeyViolation => {
            "It belongs together with something that is not there, or still is."
        }
        _ => return None,
    };
    Some(AppError::Conflict(why.to_owned()))
}
