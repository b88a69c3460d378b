//! Errors of the database as errors of the service.

use ::metrics::counter;
use sqlx::error::ErrorKind;

use super::{doubt, sqlite::trouble};
use crate::error::Error;

/// Cause of an error that no constraint has raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The database is not available.
    Unavailable,
    /// A statement exceeded its time limit.
    TooLong,
    /// Any other cause.
    Other,
}

/// A missing row is not an error of the database: use `fetch_optional` and return [`Error::NotFound`].
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        doubt::after(&error);
        match &error {
            sqlx::Error::PoolTimedOut => {
                counter!("database_acquire_timeouts_total").increment(1);
                Self::unavailable(error)
            }
            sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            // As of a server that starts while a connection is opened.
            | sqlx::Error::Protocol(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::WorkerCrashed => Self::unavailable(error),
            sqlx::Error::Database(cause) => match cause.kind() {
                // The name of the constraint would expose the schema.
                ErrorKind::UniqueViolation => {
                    Self::Conflict("Another resource already has this value.".to_owned())
                }
                // The same error for a reference to a missing row and for the deletion of a
                // referenced row.
                ErrorKind::ForeignKeyViolation => Self::Conflict(
                    "The resource refers to a missing one, or is still referenced.".to_owned(),
                ),
                _ => match cause.code().map_or(Trouble::Other, |code| trouble(&code)) {
                    Trouble::Unavailable => Self::unavailable(error),
                    // No 503: its Retry-After would invite the same statement once more.
                    Trouble::TooLong => {
                        tracing::warn!(%error, "statement cancelled");
                        Self::TimedOut
                    }
                    Trouble::Other => Self::internal(error),
                },
            },
            _ => Self::internal(error),
        }
    }
}
