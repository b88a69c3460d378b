//! All SQL of users.

use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

use super::{Role, User};
use crate::{db::Pool, error::AppError};

/// Adds a user.
pub async fn insert(
    pool: &Pool,
    id: Uuid,
    username: &str,
    email: &str,
    password_hash: &str,
    role: Role,
) -> sqlx::Result<User> {
    let row = sqlx::query!(
        "INSERT INTO users (id, username, email, password_hash, role, created_at, updated_at, version) \
         VALUES ($1, $2, $3, $4, $5, $6, $6, 1) RETURNING created_at AS \"created_at: DateTime<Utc>\"",
        id,
        username,
        email,
        password_hash,
        role.as_str(),
        Utc::now().trunc_subsecs(6),
    )
    .fetch_one(pool)
    .await?;
    let (username, email) = (username.to_owned(), email.to_owned());
    Ok(User { id, username, email, role, created_at: row.created_at })
}

/// The user of an id.
pub async fn find(pool: &Pool, id: Uuid) -> Result<Option<User>, AppError> {
    let row = sqlx::query!(
        r#"SELECT id AS "id: Uuid", username, email, role, created_at AS "created_at: DateTime<Utc>"
        FROM users WHERE id = $1"#,
        id,
    )
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        Ok(User {
            id: row.id,
            username: row.username,
            email: row.email,
            role: Role::from_column(&row.role)?,
            created_at: row.created_at,
        })
    })
    .transpose()
}
