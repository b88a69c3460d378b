//! All SQL of sessions.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::users::Role;
use crate::db::{Connection, Pool};

/// The columns of an account that a sign-in needs.
pub struct Account {
    pub id: Uuid,
    pub password_hash: String,
    pub role: Role,
}

/// The account with this email address, in lowercase.
pub async fn account(pool: &Pool, email: &str) -> sqlx::Result<Option<Account>> {
    sqlx::query_as!(
        Account,
        r#"SELECT id AS "id: Uuid", password_hash, role AS "role: Role" FROM users WHERE email = $1"#,
        email
    )
    .fetch_optional(pool)
    .await
}

/// Inserts a session.
pub async fn begin_session(
    connection: &mut Connection,
    session: Uuid,
    user: Uuid,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO auth_sessions (id, user_id, begun_at, expires_at) VALUES ($1, $2, $3, $4)",
        session,
        user,
        now,
        expires_at,
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Inserts the hash of a refresh token.
pub async fn add_token(
    connection: &mut Connection,
    hash: &str,
    session: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO auth_refresh_tokens (hash, session_id, issued_at) VALUES ($1, $2, $3)",
        hash,
        session,
        now,
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Marks a refresh token as used and returns its session; of two at once, one succeeds. `None` for a
/// token that is unknown or used.
pub async fn spend(
    connection: &mut Connection,
    hash: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        r#"UPDATE auth_refresh_tokens SET spent_at = $2 WHERE hash = $1 AND spent_at IS NULL
        RETURNING session_id AS "session_id: Uuid""#,
        hash,
        now,
    )
    .fetch_optional(connection)
    .await
}

/// The session of a refresh token, used or not.
pub async fn session_of(pool: &Pool, hash: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        r#"SELECT session_id AS "session_id: Uuid" FROM auth_refresh_tokens WHERE hash = $1"#,
        hash
    )
    .fetch_optional(pool)
    .await
}

/// The account of an active session.
pub struct Session {
    pub user_id: Uuid,
    pub role: Role,
}

/// A session that has neither ended nor expired.
pub async fn living_session(
    connection: &mut Connection,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Session>> {
    sqlx::query_as!(
        Session,
        r#"SELECT s.user_id AS "user_id: Uuid", u.role AS "role: Role"
        FROM auth_sessions s JOIN users u ON u.id = s.user_id
        WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2"#,
        id,
        now,
    )
    .fetch_optional(connection)
    .await
}

/// Whether a session was ended before it expired.
pub async fn has_ended(pool: &Pool, id: Uuid) -> sqlx::Result<bool> {
    let living = sqlx::query_scalar!(
        r#"SELECT id AS "id: Uuid" FROM auth_sessions WHERE id = $1 AND ended_at IS NULL"#,
        id,
    );
    Ok(living.fetch_optional(pool).await?.is_none())
}

/// Ends a session: none of its tokens is valid any more.
pub async fn end_session(pool: &Pool, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE auth_sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL",
        id,
        now
    )
    .execute(pool)
    .await
    .map(drop)
}

/// Deletes expired sessions with their tokens.
pub async fn forget_sessions(pool: &Pool, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let done =
        sqlx::query!("DELETE FROM auth_sessions WHERE expires_at < $1", now).execute(pool).await?;
    Ok(done.rows_affected())
}
