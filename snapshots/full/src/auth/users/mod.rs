//! Users: the accounts, and their rows in the database.

mod domain;
mod dto;
pub(crate) mod repo;

use uuid::Uuid;

pub use domain::{Role, User};
pub use dto::{UserPatch, UserResponse};

use crate::{
    db::{Driver, Pool},
    error::{Error, FaultCode, FieldFault},
};

/// Users whose names are claimed after one query.
const BATCH: i64 = 500;

/// Inserts a user.
///
/// # Errors
/// [`Error::Taken`] for the name or the address.
pub async fn create(
    db: impl sqlx::Executor<'_, Database = Driver>,
    username: &str,
    email: &str,
    password_hash: &str,
    role: Role,
) -> Result<User, Error> {
    let id = Uuid::now_v7();
    repo::insert(db, id, username, email, password_hash, role).await.map_err(taken)
}

/// Claims the names of users that an earlier release has inserted, the oldest first. Of names that
/// differ in case alone, the others stay as they are, and are logged.
///
/// # Errors
/// The database does not answer.
pub async fn claim_names(pool: &Pool) -> sqlx::Result<()> {
    let mut after = Uuid::nil();
    loop {
        let users = repo::unclaimed(pool, after, BATCH).await?;
        let Some(last) = users.last() else { return Ok(()) };
        after = *last;
        for user in users {
            match repo::claim_name(pool, user).await {
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                    tracing::warn!(%user, "another user has this name in a different case");
                }
                done => done?,
            }
        }
    }
}

fn taken(error: sqlx::Error) -> Error {
    let refused = error.as_database_error().filter(|error| error.is_unique_violation());
    // Each database names the column, PostgreSQL as a part of the constraint's name.
    let field = refused.and_then(|error| {
        ["username", "email"].into_iter().find(|field| error.message().contains(field))
    });
    field.map_or_else(
        || Error::from(error),
        |field| {
            Error::Taken(FieldFault {
                pointer: format!("/{field}"),
                detail: "another user already has this value".to_owned(),
                code: FaultCode::Taken,
            })
        },
    )
}
