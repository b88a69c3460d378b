//! All SQL of accounts' sessions.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{Connection, Pool};

/// What a sign-in needs of an account.
pub struct Account {
    pub id: Uuid,
    pub password_hash: String,
    pub role: String,
}

/// The account that signs in with `email`, in lowercase.
pub async fn account(pool: &Pool, email: &str) -> sqlx::Result<Option<Account>> {
    sqlx::query_as!(
        Account,
        r#"SELECT id AS "id: Uuid", password_hash, role FROM users WHERE email = $1"#,
        email
    )
    .fetch_optional(pool)
    .await
}

/// Begins a session with its first refresh token.
pub async fn begin_session(
    connection: &mut Connection,
    session: Uuid,
    user: Uuid,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO sessions (id, user_id, begun_at, expires_at) VALUES ($1, $2, $3, $4)",
        session,
        user,
        now,
        expires_at,
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Keeps the hash of a refresh token.
pub async fn add_token(
    connection: &mut Connection,
    hash: &str,
    session: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO refresh_tokens (hash, session_id, issued_at) VALUES ($1, $2, $3)",
        hash,
        session,
        now,
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Spends a refresh token; of two at once, one gets the session. `None` for one that is unknown or spent.
pub async fn spend(
    connection: &mut Connection,
    hash: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        r#"UPDATE refresh_tokens SET spent_at = $2 WHERE hash = $1 AND spent_at IS NULL
        RETURNING session_id AS "session_id: Uuid""#,
        hash,
        now,
    )
    .fetch_optional(connection)
    .await
}

/// The session of a refresh token, spent or not.
pub async fn session_of(pool: &Pool, hash: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        r#"SELECT session_id AS "session_id: Uuid" FROM refresh_tokens WHERE hash = $1"#,
        hash
    )
    .fetch_optional(pool)
    .await
}

/// Who a session is of, as long as it lives.
pub struct Session {
    pub user_id: Uuid,
    pub role: String,
}

/// A session that has neither ended nor run out.
pub async fn living_session(
    connection: &mut Connection,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Session>> {
    sqlx::query_as!(
        Session,
        r#"SELECT s.user_id AS "user_id: Uuid", u.role FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2"#,
        id,
        now,
    )
    .fetch_optional(connection)
    .await
}

/// Whether a session has ended before its time.
pub async fn has_ended(pool: &Pool, id: Uuid) -> sqlx::Result<bool> {
    let living = sqlx::query_scalar!(
        r#"SELECT id AS "id: Uuid" FROM sessions WHERE id = $1 AND ended_at IS NULL"#,
        id,
    );
    Ok(living.fetch_optional(pool).await?.is_none())
}

/// Ends a session: none of its tokens is good any more.
pub async fn end_session(pool: &Pool, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", id, now)
        .execute(pool)
        .await
        .map(drop)
}

/// Forgets sessions that ran out, and their tokens with them.
pub async fn forget_sessions(pool: &Pool, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let done =
        sqlx::query!("DELETE FROM sessions WHERE expires_at < $1", now).execute(pool).await?;
    Ok(done.rows_affected())
}
