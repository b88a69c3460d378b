//! All SQL of users.

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{Role, User};
use crate::{
    db::{
        Connection, Driver, Pool,
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
    db: impl sqlx::Executor<'_, Database = Driver>,
    id: Uuid,
    username: &str,
    email: &str,
    password_hash: &str,
    role: Role,
) -> sqlx::Result<User> {
    let row = sqlx::query!(
        "INSERT INTO users (id, username, username_key, email, password_hash, role, created_at, \
         updated_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, 1) \
         RETURNING created_at AS \"created_at: DateTime<Utc>\"",
        id,
        username,
        username.to_ascii_lowercase(),
        email,
        password_hash,
        role as Role,
        Utc::now().trunc_subsecs(6),
    )
    .fetch_one(db)
    .await?;
    let (username, email) = (username.to_owned(), email.to_owned());
    Ok(User { id, username, email, role, disabled_at: None, created_at: row.created_at })
}

/// A page of users.
pub async fn list(pool: &Pool, page: PageQuery<User>) -> Result<Page<User>, Error> {
    let query = QueryBuilder::<Driver>::new(
        "SELECT id, username, email, role, disabled_at, created_at FROM users \
         WHERE deleted_at IS NULL",
    );
    Ok(page.fetch(query, pool).await?)
}

/// The user with this ID.
pub async fn find(
    db: impl sqlx::Executor<'_, Database = Driver>,
    id: Uuid,
) -> sqlx::Result<Option<User>> {
    sqlx::query_as!(
        User,
        r#"SELECT id AS "id: Uuid", username, email, role AS "role: Role",
            disabled_at AS "disabled_at: DateTime<Utc>", created_at AS "created_at: DateTime<Utc>"
        FROM users WHERE id = $1 AND deleted_at IS NULL"#,
        id,
    )
    .fetch_optional(db)
    .await
}

/// Replaces a password's hash; whether it was still `old`.
pub async fn set_password(
    connection: &mut Connection,
    id: Uuid,
    old: &str,
    new: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE users SET password_hash = $3, updated_at = $4, version = version + 1 \
         WHERE id = $1 AND password_hash = $2 AND deleted_at IS NULL",
        id,
        old,
        new,
        now,
    );
    Ok(done.execute(connection).await?.rows_affected() > 0)
}

/// Sets the role of a user.
pub async fn set_role(
    connection: &mut Connection,
    id: Uuid,
    role: Role,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE users SET role = $2, updated_at = $3, version = version + 1 \
         WHERE id = $1 AND deleted_at IS NULL",
        id,
        role as Role,
        now,
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Disables or enables a user.
pub async fn set_disabled(
    connection: &mut Connection,
    id: Uuid,
    disabled_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE users SET disabled_at = $2, updated_at = $3, version = version + 1 \
         WHERE id = $1 AND deleted_at IS NULL",
        id,
        disabled_at,
        now,
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Makes a tombstone of a user, which rows may refer to; whether the user still had this role.
pub async fn bury(
    connection: &mut Connection,
    id: Uuid,
    role: Role,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    // Registrations accept no such name, and no mail reaches such an address (RFC 2606). The address is
    // random: others know the ID, and could register an address that follows from it.
    let (username, email) =
        (format!("deleted-{id}"), format!("{}@deleted.invalid", Uuid::now_v7()));
    let done = sqlx::query!(
        "UPDATE users SET username = $3, username_key = NULL, email = $4, password_hash = '', role = 'user', \
         deleted_at = $5, updated_at = $5, version = version + 1 \
         WHERE id = $1 AND role = $2 AND deleted_at IS NULL",
        id,
        role as Role,
        username,
        email,
        now,
    );
    Ok(done.execute(connection).await?.rows_affected() > 0)
}

/// Users after this one, in order of their IDs, whose names are not claimed.
pub async fn unclaimed(pool: &Pool, after: Uuid, limit: i64) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: Uuid" FROM users
        WHERE username_key IS NULL AND deleted_at IS NULL AND id > $1 ORDER BY id LIMIT $2"#,
        after,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// Claims the name of a user in all spellings; a unique violation where another user has it.
pub async fn claim_name(pool: &Pool, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE users SET username_key = lower(username) \
         WHERE id = $1 AND username_key IS NULL AND deleted_at IS NULL",
        id,
    )
    .execute(pool)
    .await
    .map(drop)
}

/// Locks a user until the transaction ends, unless it is an administrator; whether it did. The user
/// does not become an administrator before that.
pub async fn lock_if_ordinary(connection: &mut Connection, id: Uuid) -> sqlx::Result<bool> {
    // An update that changes nothing: not every database has SELECT … FOR UPDATE.
    let done = sqlx::query!(
        "UPDATE users SET version = version WHERE id = $1 AND role = 'user' AND deleted_at IS NULL",
        id,
    );
    Ok(done.execute(connection).await?.rows_affected() > 0)
}

/// Nothing to lock: the transaction is the only writer from its start.
#[expect(clippy::unused_async, reason = "PostgreSQL has to be asked")]
pub async fn lock_admins(_: &mut Connection) -> sqlx::Result<()> {
    Ok(())
}

/// Whether some administrator can sign in.
pub async fn has_admin(connection: &mut Connection) -> sqlx::Result<bool> {
    let admin = sqlx::query_scalar!(
        r#"SELECT id AS "id: Uuid" FROM users WHERE role = 'admin' AND disabled_at IS NULL LIMIT 1"#
    );
    Ok(admin.fetch_optional(connection).await?.is_some())
}
