//! Writes that a constraint of the database rejects, as errors for the client.

use sqlx::error::{DatabaseError, ErrorKind};

use crate::error::{Error, FaultCode, FieldFault};

/// A rule that only the database can check: uniqueness, or a reference.
pub struct Constraint<T> {
    name: &'static str,
    field: &'static str,
    value: fn(&T) -> Option<String>,
}

impl<T> Constraint<T> {
    /// The constraint `name` of the database, on `field`. `value` is that of the field as the
    /// database writes it; `None` for NULL.
    pub const fn new(
        name: &'static str,
        field: &'static str,
        value: fn(&T) -> Option<String>,
    ) -> Self {
        Self { name, field, value }
    }
}

/// The error of a write of one row, or of one set of changes.
pub fn of_one<T>(error: sqlx::Error, constraints: &[Constraint<T>]) -> Error {
    match broken(&error, constraints) {
        Some((constraint, kind)) => refusal(&kind, format!("/{}", constraint.field)),
        None => error.into(),
    }
}

/// The error of a write of several rows, because of one of them.
pub fn of_many<T>(error: sqlx::Error, constraints: &[Constraint<T>], rows: &[T]) -> Error {
    let Some((constraint, kind)) = broken(&error, constraints) else {
        return error.into();
    };
    // Of two rows with the same value, the later one is at fault.
    let value = error.as_database_error().and_then(value);
    let has = |row: &T| (constraint.value)(row).as_deref() == value;
    let at = value.and_then(|_| rows.iter().rposition(has));
    let pointer = match at {
        Some(at) => format!("/items/{at}/{}", constraint.field),
        None => "/items".to_owned(),
    };
    refusal(&kind, pointer)
}

/// The error of a row that could not be deleted.
pub fn of_delete(error: sqlx::Error) -> Error {
    if !is_referenced(&error) {
        return error.into();
    }
    let table = error.as_database_error().and_then(DatabaseError::table);
    Error::Referenced(table.map(|table| table.replace('_', " ")))
}

/// Whether a row could not be deleted because another one refers to it.
pub fn is_referenced(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|refused| {
        // From version 18 on, `ON DELETE RESTRICT` has a separate code.
        refused.kind() == ErrorKind::ForeignKeyViolation
            || refused.code().is_some_and(|code| code == "23001")
    })
}

fn broken<'a, T>(
    error: &sqlx::Error,
    constraints: &'a [Constraint<T>],
) -> Option<(&'a Constraint<T>, ErrorKind)> {
    let error = error.as_database_error()?;
    let name = error.constraint()?;
    Some((constraints.iter().find(|constraint| constraint.name == name)?, error.kind()))
}

fn refusal(kind: &ErrorKind, pointer: String) -> Error {
    match kind {
        ErrorKind::UniqueViolation => Error::Taken(FieldFault {
            pointer,
            detail: "is already taken".to_owned(),
            code: FaultCode::Taken,
        }),
        _ => Error::Invalid(vec![FieldFault {
            pointer,
            detail: "refers to a resource that does not exist".to_owned(),
            code: FaultCode::Reference,
        }]),
    }
}

/// The value in `Key (email)=(ada@example.org) already exists.`, in any language of the server.
fn value(error: &dyn DatabaseError) -> Option<&str> {
    let detail = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?.detail()?;
    let (_, rest) = detail.split_once(")=(")?;
    Some(rest.rsplit_once(')')?.0)
}
