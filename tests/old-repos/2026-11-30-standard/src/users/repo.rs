//! All SQL of users.

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{Role, User};
use crate::{
    db::{Driver, Pool},
    error::AppError,
    paging::{By, Column, Page, Paging, Sorting},
};

/// What a listing may be sorted by.
pub const SORTING: Sorting<User> = Sorting {
    default: "-created_at",
    id: |user| user.id,
    columns: &[
        Column {
            name: "created_at",
            sql: "created_at",
            value: By::DateTime(|user| user.created_at),
        },
        Column { name: "username", sql: "username", value: By::Text(|user| user.username.clone()) },
        Column { name: "email", sql: "email", value: By::Text(|user| user.email.clone()) },
    ],
};

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

/// A page of all users.
pub async fn list(pool: &Pool, paging: Paging<User>) -> Result<Page<User>, AppError> {
    let mut query = QueryBuilder::<Driver>::new(
        "SELECT id, username, email, role, created_at FROM users WHERE TRUE",
    );
    paging.finish(&mut query);
    let rows: Vec<UserRow> = query.build_query_as().fetch_all(pool).await?;
    let users = rows.into_iter().map(User::try_from).collect::<Result<_, _>>()?;
    Ok(paging.page(users))
}

/// The user of an id.
pub async fn find(pool: &Pool, id: Uuid) -> Result<Option<User>, AppError> {
    let row = sqlx::query_as!(
        UserRow,
        r#"SELECT id AS "id: Uuid", username, email, role, created_at AS "created_at: DateTime<Utc>"
        FROM users WHERE id = $1"#,
        id,
    );
    row.fetch_optional(pool).await?.map(User::try_from).transpose()
}

/// A user as the database has it.
#[derive(sqlx::FromRow)]
struct UserRow {
    id: Uuid,
    username: String,
    email: String,
    role: String,
    created_at: DateTime<Utc>,
}

impl TryFrom<UserRow> for User {
    type Error = AppError;

    fn try_from(row: UserRow) -> Result<Self, AppError> {
        let UserRow { id, username, email, role, created_at } = row;
        Ok(Self { id, username, email, role: Role::from_column(&role)?, created_at })
    }
}
