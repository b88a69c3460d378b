//! What a client is told when the database refuses a write.

use sqlx::error::{DatabaseError, ErrorKind};

use crate::error::{AppError, FaultCode, FieldFault};

/// A rule of a table that only the database can judge: uniqueness, or a reference.
pub struct Constraint<T> {
    /// Its name in the database.
    pub name: &'static str,
    /// The field that it is about.
    pub field: &'static str,
    /// The value of that field, as the database writes it; `None` where it is empty.
    pub value: fn(&T) -> Option<String>,
}

/// The write of one row failed.
pub fn of_one<T>(error: sqlx::Error, constraints: &[Constraint<T>]) -> AppError {
    match broken(&error, constraints) {
        Some((constraint, kind)) => refusal(&kind, format!("/{}", constraint.field)),
        None => error.into(),
    }
}

/// The write of all `rows` failed, because of one of them.
pub fn of_many<T>(error: sqlx::Error, constraints: &[Constraint<T>], rows: &[T]) -> AppError {
    let Some((constraint, kind)) = broken(&error, constraints) else {
        return error.into();
    };
    // The last of two that have the same value: it is the one that came too late.
    let value = error.as_database_error().and_then(value);
    let has = |row: &T| (constraint.value)(row).as_deref() == value;
    let at = value.and_then(|_| rows.iter().rposition(has));
    let pointer = match at {
        Some(at) => format!("/items/{at}/{}", constraint.field),
        None => "/items".to_owned(),
    };
    refusal(&kind, pointer)
}

/// The row could not be deleted.
pub fn of_delete(error: sqlx::Error) -> AppError {
    match error.as_database_error() {
        Some(refused) if refused.kind() == ErrorKind::ForeignKeyViolation => {
            AppError::Conflict(match refused.table() {
                Some(table) => format!("It is still referred to by {}.", table.replace('_', " ")),
                None => "It is still referred to.".to_owned(),
            })
        }
        _ => error.into(),
    }
}

fn broken<'a, T>(
    error: &sqlx::Error,
    constraints: &'a [Constraint<T>],
) -> Option<(&'a Constraint<T>, ErrorKind)> {
    let error = error.as_database_error()?;
    let name = error.constraint()?;
    Some((constraints.iter().find(|constraint| constraint.name == name)?, error.kind()))
}

fn refusal(kind: &ErrorKind, pointer: String) -> AppError {
    match kind {
        ErrorKind::UniqueViolation => AppError::Taken(FieldFault {
            pointer,
            detail: "another one has this value already".to_owned(),
            code: FaultCode::Taken,
        }),
        _ => AppError::Invalid(vec![FieldFault {
            pointer,
            detail: "refers to something that is not there".to_owned(),
            code: FaultCode::Reference,
        }]),
    }
}

/// The value in `Key (email)=(ada@example.org) already exists.`, in whatever language.
fn value(error: &dyn DatabaseError) -> Option<&str> {
    let detail = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?.detail()?;
    let (_, rest) = detail.split_once(")=(")?;
    Some(rest.rsplit_once(')')?.0)
}
