//! What an error of the database means to the client.

use ::metrics::counter;
use sqlx::error::{Error, ErrorKind};

use super::{doubt, postgres::trouble};
use crate::error::AppError;

/// What lies behind an error that no constraint has raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The database cannot be used right now.
    Unavailable,
    /// A statement took longer than it may.
    TooLong,
    /// Something else.
    Other,
}

/// No row is no error of the database: use `fetch_optional`, and say what is missing.
impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        match &error {
            Error::PoolTimedOut => {
                counter!("database_acquire_timeouts_total").increment(1);
                Self::Unavailable(error.into())
            }
            Error::PoolClosed | Error::Io(_) | Error::Tls(_) | Error::WorkerCrashed => {
                doubt::cast();
                Self::Unavailable(error.into())
            }
            Error::Database(cause) => match cause.kind() {
                // The name of the constraint would tell how the data is kept.
                ErrorKind::UniqueViolation => Self::Conflict("This exists already.".to_owned()),
                // The same error for a reference to nothing and for a removal of what others
                // refer to: in both, the request is in order and the data is not.
                ErrorKind::ForeignKeyViolation => Self::Conflict(
                    "This refers to something that is not there, or is referred to.".to_owned(),
                ),
                _ => match cause.code().map_or(Trouble::Other, |code| trouble(&code)) {
                    Trouble::Unavailable => {
                        doubt::cast();
                        Self::Unavailable(error.into())
                    }
                    // No 503: its Retry-After would invite the same statement once more.
                    Trouble::TooLong => {
                        tracing::warn!(%error, "statement cancelled");
                        Self::Timeout
                    }
                    Trouble::Other => Self::internal(error),
                },
            },
            _ => Self::internal(error),
        }
    }
}
