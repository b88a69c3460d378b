//! All SQL of users.

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{Role, User};
use crate::{
    db::{
        Driver, Pool,
        listing::{Column, Page, PageQuery, Sorting},
    },
    error::Error,
};

/// The orders of a listing.
pub const SORTING: &Sorting<User> = &Sorting {
    id: |user| user.id,
    columns: &[
        Column::datetime("created_at", |user| user.created_at),
        Column::text("username", |user| user.username.as_str()),
        Column::text("email", |user| user.email.as_str()),
    ],
};

/// Inserts a user.
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
        role as Role,
        Utc::now().trunc_subsecs(6),
    )
    .fetch_one(pool)
    .await?;
    let (username, email) = (username.to_owned(), email.to_owned());
    Ok(User { id, username, email, role, created_at: row.created_at })
}

/// A page of users.
pub async fn list(pool: &Pool, page: PageQuery<User>) -> Result<Page<User>, Error> {
    let mut query = QueryBuilder::<Driver>::new(
        "SELECT id, username, email, role, created_at FROM users WHERE TRUE",
    );
    page.complete(&mut query);
    Ok(page.page(query.build_query_as().fetch_all(pool).await?))
}

/// The user with this ID.
pub async fn find(pool: &Pool, id: Uuid) -> Result<Option<User>, Error> {
    let row = sqlx::query_as!(
        User,
        r#"SELECT id AS "id: Uuid", username, email, role AS "role: Role",
            created_at AS "created_at: DateTime<Utc>"
        FROM users WHERE id = $1"#,
        id,
    );
    Ok(row.fetch_optional(pool).await?)
}
