//! All SQL of sessions and sign-ins.

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
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

/// A refresh token that was used.
pub struct Spent {
    pub session: Uuid,
    /// When it was used. Its successor was issued at the same time, to the microsecond.
    pub at: DateTime<Utc>,
}

/// The refresh token with this hash, if it was used. Its session is locked until the transaction ends,
/// so that of several repetitions each sees the successor of the one before.
pub async fn lock_spent(connection: &mut Connection, hash: &str) -> sqlx::Result<Option<Spent>> {
    let spent = sqlx::query_as!(
        Spent,
        r#"SELECT session_id AS "session: Uuid", spent_at AS "at!: DateTime<Utc>"
        FROM auth_refresh_tokens WHERE hash = $1 AND spent_at IS NOT NULL"#,
        hash,
    );
    let spent = spent.fetch_optional(&mut *connection).await?;
    if let Some(Spent { session, .. }) = &spent {
        // An update that changes nothing: not every database has SELECT … FOR UPDATE.
        sqlx::query!("UPDATE auth_sessions SET ended_at = ended_at WHERE id = $1", session)
            .execute(connection)
            .await?;
    }
    Ok(spent)
}

/// Invalidates the successor of a used refresh token; whether it was still unused. From then on it is
/// a used token as its predecessor is, with the same successor.
pub async fn supersede(
    connection: &mut Connection,
    Spent { session, at }: &Spent,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE auth_refresh_tokens SET spent_at = issued_at \
         WHERE session_id = $1 AND issued_at = $2 AND spent_at IS NULL",
        session,
        at,
    );
    Ok(done.execute(connection).await?.rows_affected() > 0)
}

/// The account that a refresh token of an active session belongs to, used or not.
pub async fn account_of(pool: &Pool, hash: &str, now: DateTime<Utc>) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        r#"SELECT s.user_id AS "user_id: Uuid"
        FROM auth_refresh_tokens t JOIN auth_sessions s ON s.id = t.session_id
        WHERE t.hash = $1 AND s.ended_at IS NULL AND s.expires_at > $2"#,
        hash,
        now,
    )
    .fetch_optional(pool)
    .await
}

/// A session that has neither ended nor expired.
pub struct Living {
    pub account: Uuid,
    pub expires_at: DateTime<Utc>,
}

/// The session with this ID, unless it has ended or expired, or its account is disabled.
pub async fn living_session(
    connection: &mut Connection,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Living>> {
    sqlx::query_as!(
        Living,
        r#"SELECT s.user_id AS "account: Uuid", s.expires_at AS "expires_at: DateTime<Utc>"
        FROM auth_sessions s JOIN users u ON u.id = s.user_id
        WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND u.disabled_at IS NULL"#,
        id,
        now,
    )
    .fetch_optional(connection)
    .await
}

/// Role of the account of a session that has neither ended nor expired.
pub async fn role(pool: &Pool, session: Uuid, now: DateTime<Utc>) -> sqlx::Result<Option<Role>> {
    sqlx::query_scalar!(
        r#"SELECT u.role AS "role: Role" FROM auth_sessions s JOIN users u ON u.id = s.user_id
        WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND u.disabled_at IS NULL"#,
        session,
        now,
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
pub async fn end_session(
    connection: &mut Connection,
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE auth_sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL",
        id,
        now
    )
    .execute(connection)
    .await
    .map(drop)
}

/// Ends the oldest active sessions of a locked account but for the newest `keep`, and returns them.
pub async fn end_oldest_sessions(
    connection: &mut Connection,
    user: Uuid,
    keep: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"UPDATE auth_sessions SET ended_at = $2 WHERE id IN
            (SELECT id FROM auth_sessions
            WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2
            ORDER BY begun_at DESC, id DESC LIMIT $3 OFFSET $4)
        RETURNING id AS "id: Uuid""#,
        user,
        now,
        db::BATCH,
        keep,
    )
    .fetch_all(connection)
    .await
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

/// Erases the devices of an account's sessions. The next clean-up deletes the sessions.
pub async fn erase_devices(
    connection: &mut Connection,
    user: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE auth_sessions SET address = NULL, user_agent = NULL, expires_at = $2 \
         WHERE user_id = $1 AND expires_at > $2",
        user,
        now,
    )
    .execute(connection)
    .await
    .map(drop)
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

/// Deletes expired sessions and their tokens, in batches. A session has any number of tokens: it is
/// deleted once these are, and takes none of them along.
pub async fn forget_sessions(pool: Pool, stopping: CancellationToken) -> sqlx::Result<()> {
    db::in_batches(pool, "auth_forget_sessions", stopping, async move |db, now| {
        let tokens = delete_tokens(db, now).await?;
        if tokens > 0 {
            return Ok(tokens);
        }
        delete_sessions(db, now).await
    })
    .await
}

/// Deletes a batch of the tokens of the sessions that have expired first.
async fn delete_tokens(connection: &mut Connection, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let batch = sqlx::query!(
        "DELETE FROM auth_refresh_tokens WHERE hash IN
            (SELECT hash FROM auth_refresh_tokens WHERE session_id IN
                (SELECT id FROM auth_sessions WHERE expires_at < $1 ORDER BY expires_at, id LIMIT $2)
            LIMIT $2)",
        now,
        db::BATCH,
    );
    Ok(batch.execute(connection).await?.rows_affected())
}

/// Deletes a batch of expired sessions that have no tokens.
async fn delete_sessions(connection: &mut Connection, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let batch = sqlx::query!(
        "DELETE FROM auth_sessions WHERE id IN (SELECT id FROM auth_sessions s WHERE expires_at < $1
            AND NOT EXISTS (SELECT hash FROM auth_refresh_tokens t WHERE t.session_id = s.id)
            ORDER BY expires_at, id LIMIT $2)",
        now,
        db::BATCH,
    );
    Ok(batch.execute(connection).await?.rows_affected())
}
