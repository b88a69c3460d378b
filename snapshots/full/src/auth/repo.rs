//! All SQL of sessions and sign-ins.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::users::Role;
use crate::db::{self, Connection, Pool};

/// The columns of an account that a sign-in needs.
pub struct Account {
    pub id: Uuid,
    pub password_hash: String,
}

/// The account with this email address, in lowercase, unless it is disabled.
pub async fn account(pool: &Pool, email: &str) -> sqlx::Result<Option<Account>> {
    sqlx::query_as!(
        Account,
        r#"SELECT id AS "id: Uuid", password_hash FROM users
        WHERE email = $1 AND disabled_at IS NULL AND deleted_at IS NULL"#,
        email
    )
    .fetch_optional(pool)
    .await
}

/// Locks an account until the transaction ends; whether it is active and has this password still.
pub async fn lock(
    connection: &mut Connection,
    id: Uuid,
    password_hash: &str,
) -> sqlx::Result<bool> {
    // An update that changes nothing: not every database has SELECT … FOR UPDATE.
    let done = sqlx::query!(
        "UPDATE users SET version = version \
         WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL AND deleted_at IS NULL",
        id,
        password_hash,
    );
    Ok(done.execute(connection).await?.rows_affected() > 0)
}

/// The client that has begun a session, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// Its address; of IPv6, the /64 network.
    pub address: Option<String>,
    /// Its `User-Agent`.
    pub user_agent: Option<String>,
}

/// Inserts a session.
pub async fn begin_session(
    connection: &mut Connection,
    session: Uuid,
    user: Uuid,
    device: &Device,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO auth_sessions (id, user_id, begun_at, expires_at, address, user_agent) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        session,
        user,
        now,
        expires_at,
        device.address,
        device.user_agent,
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

/// The account of a session that has neither ended nor expired.
pub async fn living_session(
    connection: &mut Connection,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        r#"SELECT s.user_id AS "user_id: Uuid"
        FROM auth_sessions s JOIN users u ON u.id = s.user_id
        WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND u.disabled_at IS NULL"#,
        id,
        now,
    )
    .fetch_optional(connection)
    .await
}

/// Role of the account of a session that was not ended before it expired.
pub async fn role(pool: &Pool, session: Uuid) -> sqlx::Result<Option<Role>> {
    sqlx::query_scalar!(
        r#"SELECT u.role AS "role: Role" FROM auth_sessions s JOIN users u ON u.id = s.user_id
        WHERE s.id = $1 AND s.ended_at IS NULL AND u.disabled_at IS NULL"#,
        session,
    )
    .fetch_optional(pool)
    .await
}

/// Whether a session is an active one of this account.
pub async fn is_living(
    pool: &Pool,
    session: Uuid,
    user: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let living = sqlx::query_scalar!(
        r#"SELECT id AS "id: Uuid" FROM auth_sessions
        WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > $3"#,
        session,
        user,
        now,
    );
    Ok(living.fetch_optional(pool).await?.is_some())
}

/// A session of an account.
pub struct Session {
    pub id: Uuid,
    pub begun_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
}

/// The active sessions of an account, newest first.
pub async fn living_sessions(
    pool: &Pool,
    user: Uuid,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Session>> {
    sqlx::query_as!(
        Session,
        r#"SELECT id AS "id: Uuid", begun_at AS "begun_at: DateTime<Utc>",
            expires_at AS "expires_at: DateTime<Utc>", address, user_agent
        FROM auth_sessions WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2
        ORDER BY begun_at DESC, id DESC LIMIT $3"#,
        user,
        now,
        limit,
    )
    .fetch_all(pool)
    .await
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

/// Ends the sessions of an account but for one, and returns them.
pub async fn end_sessions(
    connection: &mut Connection,
    user: Uuid,
    except: Option<Uuid>,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"UPDATE auth_sessions SET ended_at = $3
        WHERE user_id = $1 AND id IS DISTINCT FROM $2 AND ended_at IS NULL
        RETURNING id AS "id: Uuid""#,
        user,
        except,
        now,
    )
    .fetch_all(connection)
    .await
}

/// Deletes the sessions of an account with their tokens, and returns them.
pub async fn delete_sessions(connection: &mut Connection, user: Uuid) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"DELETE FROM auth_sessions WHERE user_id = $1 RETURNING id AS "id: Uuid""#,
        user,
    )
    .fetch_all(connection)
    .await
}

/// The sessions of an account that have not ended.
pub async fn sessions(connection: &mut Connection, user: Uuid) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: Uuid" FROM auth_sessions WHERE user_id = $1 AND ended_at IS NULL"#,
        user,
    )
    .fetch_all(connection)
    .await
}

/// Deletes expired sessions with their tokens, in batches.
pub async fn forget_sessions(pool: &Pool, now: DateTime<Utc>) -> sqlx::Result<()> {
    while let Some(mut transaction) = db::begin_alone(pool, "auth_forget_sessions").await? {
        let batch = sqlx::query!(
            "DELETE FROM auth_sessions WHERE id IN
                (SELECT id FROM auth_sessions WHERE expires_at < $1 LIMIT $2)",
            now,
            db::BATCH,
        );
        let deleted = batch.execute(&mut *transaction).await?.rows_affected();
        transaction.commit().await?;
        if deleted == 0 {
            break;
        }
    }
    Ok(())
}
