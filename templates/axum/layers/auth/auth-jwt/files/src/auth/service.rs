//! The rules of accounts and sessions.

use std::{net::IpAddr, time::Duration};

use aws_lc_rs::rand;
use axum::response::Response;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{
    CurrentUser,
    attempts::{self, Attempt, Attempts},
    dto::TokenPair,
    now,
    password::{self, Passwords},
    repo,
    sessions::Sessions,
    tokens::Tokens,
    users::{self, Role, User},
};
use crate::{
    background::Background,
    config::Config,
    db::{self, Pool},
    error::{Cause, Error, FaultCode, FieldFault},
    http::caller::Client,
    rate_limit::{Budgets, RateLimit},
};

const REFRESH_TOKEN_BYTES: usize = 32;

/// An account to create.
pub struct NewAccount {
    /// Name of the account, which other accounts see.
    pub username: String,
    /// Email address of the account.
    pub email: String,
    /// Password of the account.
    pub password: SecretString,
    /// Role of the account.
    pub role: Role,
}

/// Accounts and their sessions.
pub struct Auth {
    pool: Pool,
    tokens: Tokens,
    passwords: Passwords,
    attempts: Attempts,
    sessions: Sessions,
    entrance: RateLimit,
    refresh_ttl: Duration,
}

impl Auth {
    /// Builds the service from the settings.
    ///
    /// # Errors
    /// The signing keys cannot be used.
    pub fn new(
        config: &Config,
        pool: &Pool,
        sessions: Sessions,
        budgets: &Budgets,
    ) -> Result<Self, Cause> {
        Ok(Self {
            pool: pool.clone(),
            tokens: Tokens::new(
                &config.auth_signing_keys,
                &config.auth_issuer,
                config.auth_leeway,
                config.auth_access_ttl,
            )?,
            passwords: Passwords::new(config.auth_hash_concurrency),
            attempts: Attempts::new(config),
            sessions,
            entrance: RateLimit::new("auth", config.auth_rate_limit_per_minute, budgets),
            refresh_ttl: config.auth_refresh_ttl,
        })
    }

    /// Answers a request below `/auth`, within the budget of its `address`.
    pub async fn admit(
        &self,
        address: IpAddr,
        response: impl Future<Output = Response>,
    ) -> Response {
        self.entrance.admit(Client::Address(address), response).await
    }

    /// Creates an account.
    ///
    /// # Errors
    /// [`Error::Taken`] for the name or the address, [`Error::Invalid`] for a weak password.
    pub async fn register(&self, account: NewAccount) -> Result<User, Error> {
        register(&self.pool, &self.passwords, account).await
    }

    /// Begins a session.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`] for an unknown address as for a wrong password, after the same
    /// work; [`Error::RateLimited`] after too many attempts.
    pub async fn login(
        &self,
        email: &str,
        password: SecretString,
        address: IpAddr,
    ) -> Result<TokenPair, Error> {
        let email = email.to_lowercase();
        let attempt = Attempt::new(&email, address);
        self.attempts.begin(&self.pool, &attempt).await?;
        let account = repo::account(&self.pool, &email).await?;
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let fits = self.passwords.verify(password, hash).await?;
        let account = account.filter(|_| fits).ok_or(Error::WrongCredentials)?;
        self.attempts.succeeded(&self.pool, &attempt).await?;

        self.begin(account.id, account.role).await
    }

    /// Begins a session of an account whose password was checked.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn begin(&self, account: Uuid, role: Role) -> Result<TokenPair, Error> {
        let user = CurrentUser { id: account, session: Uuid::now_v7(), role };
        let now = now();
        let mut transaction = db::begin(&self.pool).await?;
        let expires_at = now + self.refresh_ttl;
        repo::begin_session(&mut transaction, user.session, user.id, now, expires_at).await?;
        let (token, hash) = refresh_token()?;
        repo::add_token(&mut transaction, &hash, user.session, now).await?;
        transaction.commit().await?;
        self.pair(&user, token)
    }

    /// Exchanges a refresh token for a new pair. Reuse of a token ends the session: one of the two
    /// clients may have stolen the token.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`]
    pub async fn refresh(&self, token: &SecretString) -> Result<TokenPair, Error> {
        let hash = hash(token.expose_secret().as_bytes());
        let now = now();
        let mut transaction = db::begin(&self.pool).await?;
        let Some(session) = repo::spend(&mut transaction, &hash, now).await? else {
            drop(transaction);
            if let Some(session) = repo::session_of(&self.pool, &hash).await? {
                tracing::warn!(%session, "a refresh token was used twice: the session ends");
                self.sessions.end(session).await?;
            }
            return Err(Error::Unauthenticated);
        };
        let Some(owner) = repo::living_session(&mut transaction, session, now).await? else {
            return Err(Error::Unauthenticated);
        };
        let (token, hash) = refresh_token()?;
        repo::add_token(&mut transaction, &hash, session, now).await?;
        transaction.commit().await?;
        self.pair(&CurrentUser { id: owner.user_id, session, role: owner.role }, token)
    }

    /// Ends the session: every replica refuses its tokens at once.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn logout(&self, user: CurrentUser) -> Result<(), Error> {
        Ok(self.sessions.end(user.session).await?)
    }

    /// The account of an access token; `None` where it is not valid. Its session may have ended.
    pub fn verify(&self, token: &str) -> Option<CurrentUser> {
        self.tokens.verify(token)
    }

    /// Whether a session was ended before it expired.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn has_ended(&self, session: Uuid) -> Result<bool, Error> {
        Ok(self.sessions.has_ended(session).await?)
    }

    /// Deletes expired sessions and attempts that no longer count, every hour.
    pub fn forget_what_is_over(&self, background: &Background) {
        let (pool, window) = (self.pool.clone(), self.attempts.window());
        background.every("auth_forget", Duration::from_hours(1), move || {
            let pool = pool.clone();
            async move {
                if let Err(error) = forget(&pool, window).await {
                    tracing::warn!(%error, "expired sessions were not deleted; the next run retries");
                }
            }
        });
    }

    /// Number of checked passwords, with and without an account.
    pub fn password_checks(&self) -> u64 {
        self.passwords.checks()
    }

    fn pair(&self, user: &CurrentUser, refresh_token: String) -> Result<TokenPair, Error> {
        Ok(TokenPair {
            access_token: self.tokens.issue(user, now()).map_err(Error::Internal)?,
            refresh_token,
            token_type: "Bearer",
            expires_in: self.tokens.ttl().as_secs(),
        })
    }
}

/// Creates an account.
pub async fn register(
    pool: &Pool,
    passwords: &Passwords,
    account: NewAccount,
) -> Result<User, Error> {
    let NewAccount { username, email, password, role } = account;
    let email = email.to_lowercase();
    if let Some(why) = password::weakness(password.expose_secret(), &username, &email) {
        return Err(Error::Invalid(vec![FieldFault {
            pointer: "/password".to_owned(),
            detail: why.to_owned(),
            code: FaultCode::Invalid,
        }]));
    }
    let hash = passwords.hash(password).await?;
    users::create(pool, &username, &email, &hash, role).await
}

async fn forget(pool: &Pool, window: Duration) -> sqlx::Result<()> {
    let now = now();
    repo::forget_sessions(pool, now).await?;
    attempts::forget_old(pool, now - window, now).await?;
    Ok(())
}

/// A new token, and the hash to store.
fn refresh_token() -> Result<(String, String), Error> {
    let mut bytes = [0; REFRESH_TOKEN_BYTES];
    rand::fill(&mut bytes).map_err(Error::internal)?;
    let token = BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let hash = hash(token.as_bytes());
    Ok((token, hash))
}

/// A token is long and random, so that a plain hash without a salt is safe.
fn hash(token: &[u8]) -> String {
    super::sha256(token)
}
