//! Writes that a constraint of the database rejects, as errors for the client.

use sqlx::{AssertSqlSafe, error::ErrorKind};
use uuid::Uuid;

use super::Connection;
use crate::error::{Error, FaultCode, FieldFault};

/// A reference of a row to another table.
pub struct Reference {
    /// The field of the reference.
    pub field: &'static str,
    /// The table, quoted where it must be.
    pub table: &'static str,
    /// The ID; `None` for NULL.
    pub id: Option<Uuid>,
}

/// The error of a write of one row, or of one set of changes, that has these references.
pub async fn of_one(db: &mut Connection, error: sqlx::Error, references: &[Reference]) -> Error {
    explain(db, error, references, "").await
}

/// The error of a write of many rows, because of the row at `index`.
pub async fn of_item(
    db: &mut Connection,
    error: sqlx::Error,
    references: &[Reference],
    index: usize,
) -> Error {
    explain(db, error, references, &format!("/items/{index}")).await
}

/// The error of a row that could not be deleted.
pub fn of_delete(error: sqlx::Error) -> Error {
    if is_referenced(&error) { Error::Referenced(None) } else { error.into() }
}

/// Whether a row could not be deleted because another one refers to it.
pub fn is_referenced(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|refused| {
        // `ON DELETE RESTRICT` has the code of a trigger, and the same message.
        refused.kind() == ErrorKind::ForeignKeyViolation
            || refused.message() == "FOREIGN KEY constraint failed"
    })
}

async fn explain(
    db: &mut Connection,
    error: sqlx::Error,
    references: &[Reference],
    parent: &str,
) -> Error {
    let Some(refused) = error.as_database_error() else {
        return error.into();
    };
    match (refused.kind(), column(refused.message())) {
        (ErrorKind::UniqueViolation, Some(column)) => Error::Taken(FieldFault {
            pointer: format!("{parent}/{column}"),
            detail: "is already taken".to_owned(),
            code: FaultCode::Taken,
        }),
        (ErrorKind::ForeignKeyViolation, _) => match dangling(db, references).await {
            Ok(Some(field)) => Error::Invalid(vec![FieldFault {
                pointer: format!("{parent}/{field}"),
                detail: "refers to a resource that does not exist".to_owned(),
                code: FaultCode::Reference,
            }]),
            Ok(None) => error.into(),
            Err(other) => other.into(),
        },
        _ => error.into(),
    }
}

/// The first reference to a row that does not exist: the database does not say which it is.
async fn dangling(
    db: &mut Connection,
    references: &[Reference],
) -> sqlx::Result<Option<&'static str>> {
    for Reference { field, table, id } in references {
        let exists = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE id = $1)");
        let exists = sqlx::query_scalar(AssertSqlSafe(exists)).bind(id);
        if id.is_some() && !exists.fetch_one(&mut *db).await? {
            return Ok(Some(field));
        }
    }
    Ok(None)
}

/// The column in `UNIQUE constraint failed: customers.email`.
fn column(message: &str) -> Option<&str> {
    message.rsplit_once('.').map(|(_, column)| column)
}
