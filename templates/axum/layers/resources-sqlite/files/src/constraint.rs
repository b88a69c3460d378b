//! What a client is told when the database refuses a write.

use sqlx::error::{DatabaseError, ErrorKind};

use crate::error::{AppError, FaultCode, FieldFault};

/// The write of one row failed.
///
/// `reference` is the field that refers to something that is not there, where one does: the
/// database does not say which.
pub fn of_one(error: sqlx::Error, reference: Option<&'static str>) -> AppError {
    explain(error, reference, "")
}

/// The write of many failed, because of the one at `index`.
pub fn of_item(error: sqlx::Error, reference: Option<&'static str>, index: usize) -> AppError {
    explain(error, reference, &format!("/items/{index}"))
}

/// The row could not be deleted.
pub fn of_delete(error: sqlx::Error) -> AppError {
    match error.as_database_error() {
        Some(refused) if refused.kind() == ErrorKind::ForeignKeyViolation => {
            AppError::Conflict("It is still referred to.".to_owned())
        }
        _ => error.into(),
    }
}

/// Whether a write was refused for what it refers to.
pub fn is_of_reference(error: &sqlx::Error) -> bool {
    let kind = error.as_database_error().map(DatabaseError::kind);
    matches!(kind, Some(ErrorKind::ForeignKeyViolation))
}

fn explain(error: sqlx::Error, reference: Option<&'static str>, parent: &str) -> AppError {
    let Some(refused) = error.as_database_error() else {
        return error.into();
    };
    match (refused.kind(), column(refused.message()), reference) {
        (ErrorKind::UniqueViolation, Some(column), _) => AppError::Taken(FieldFault {
            pointer: format!("{parent}/{column}"),
            detail: "another one has this value already".to_owned(),
            code: FaultCode::Taken,
        }),
        (ErrorKind::ForeignKeyViolation, _, Some(field)) => AppError::Invalid(vec![FieldFault {
            pointer: format!("{parent}/{field}"),
            detail: "refers to something that is not there".to_owned(),
            code: FaultCode::Reference,
        }]),
        _ => error.into(),
    }
}

/// The column in `UNIQUE constraint failed: customers.email`.
fn column(message: &str) -> Option<&str> {
    message.rsplit_once('.').map(|(_, column)| column)
}
