//! The rules of accounts and sessions.

use std::{net::IpAddr, time::Duration};

use aws_lc_rs::rand;
use axum::BoxError;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{
    CurrentUser, attempts,
    attempts::Attempts,
    dto::TokenPair,
    now,
    password::{self, Passwords},
    repo,
    sessions::Sessions,
    tokens::Tokens,
};
use crate::{
    background::Background,
    config::Config,
    db::{self, Pool},
    error::{AppError, FaultCode, FieldFault},
    rate_limit::{Client, RateLimit},
    users::{self, Role, User},
};

const REFRESH_TOKEN_BYTES: usize = 32;

/// What an account is made from.
pub struct NewAccount {
    /// What others see.
    pub username: String,
    /// Where it signs in.
    pub email: String,
    /// Known to its owner alone.
    pub password: SecretString,
    /// What it may do.
    pub role: Role,
}

/// Accounts and their sessions.
pub struct Auth {
    pool: Pool,
    tokens: Tokens,
    passwords: Passwords,
    attempts: Attempts,
    pub(super) sessions: Sessions,
    pub(super) entrance: RateLimit,
    refresh_ttl: Duration,
}

impl Auth {
    /// As configured.
    ///
    /// # Errors
    /// Signing keys that cannot be used.
    pub fn new(config: &Config, pool: Pool) -> Result<Self, BoxError> {
        Ok(Self {
            sessions: Sessions::new(pool.clone()),
            pool,
            tokens: Tokens::new(
                &config.auth_signing_keys,
                &config.auth_issuer,
                config.auth_leeway,
                config.auth_access_ttl,
            )?,
            passwords: Passwords::new(config.auth_hash_concurrency),
            attempts: Attempts::new(config),
            entrance: RateLimit::new("auth", config.auth_rate_limit_per_minute, config),
            refresh_ttl: config.auth_refresh_ttl,
        })
    }

    /// Lets a request to the routes of accounts in: fewer from one address than elsewhere.
    ///
    /// # Errors
    /// 429
    pub async fn admit(&self, address: IpAddr) -> Result<(), AppError> {
        let decision = self.entrance.take(Client::Address(address)).await;
        if decision.allowed {
            return Ok(());
        }
        metrics::counter!("rate_limit_refusals_total").increment(1);
        Err(AppError::TooManyRequests { retry_after: decision.retry_after })
    }

    /// Opens an account.
    ///
    /// # Errors
    /// 409 for a name or an address that is taken, 422 for a password that is not.
    pub async fn register(&self, account: NewAccount) -> Result<User, AppError> {
        let NewAccount { username, email, password, role } = account;
        let email = email.to_lowercase();
        if let Some(why) = password::weakness(password.expose_secret(), &username, &email) {
            return Err(AppError::Invalid(vec![FieldFault {
                pointer: "/password".to_owned(),
                detail: why.to_owned(),
                code: FaultCode::Invalid,
            }]));
        }
        let hash = self.passwords.hash(password).await?;
        users::create(&self.pool, &username, &email, &hash, role).await
    }

    /// Begins a session.
    ///
    /// # Errors
    /// 401, the same for an unknown address and a wrong password, after the same work; 429 after too
    /// many attempts.
    pub async fn login(
        &self,
        email: &str,
        password: SecretString,
        address: IpAddr,
    ) -> Result<TokenPair, AppError> {
        let email = email.to_lowercase();
        self.attempts.begin(&self.pool, &email, address).await?;
        let account = repo::account(&self.pool, &email).await?;
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let fits = self.passwords.verify(password, hash).await?;
        let account = account.filter(|_| fits).ok_or(AppError::WrongCredentials)?;
        self.attempts.succeeded(&self.pool, &email, address).await?;

        self.begin(account.id, Role::from_column(&account.role)?).await
    }

    /// Begins a session of an account that has shown who it is.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn begin(&self, account: Uuid, role: Role) -> Result<TokenPair, AppError> {
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

    /// Spends a refresh token for the next pair. One that was spent before has been stolen, from its
    /// owner or by its owner: the session ends, for nobody can say which of the two this is.
    ///
    /// # Errors
    /// 401
    pub async fn refresh(&self, token: &SecretString) -> Result<TokenPair, AppError> {
        let hash = hash(token.expose_secret().as_bytes());
        let now = now();
        let mut transaction = db::begin(&self.pool).await?;
        let Some(session) = repo::spend(&mut transaction, &hash, now).await? else {
            drop(transaction);
            if let Some(session) = repo::session_of(&self.pool, &hash).await? {
                tracing::warn!(%session, "a refresh token was spent twice: the session ends");
                self.sessions.end(session).await?;
            }
            return Err(AppError::Unauthorized);
        };
        let Some(owner) = repo::living_session(&mut transaction, session, now).await? else {
            return Err(AppError::Unauthorized);
        };
        let (token, hash) = refresh_token()?;
        repo::add_token(&mut transaction, &hash, session, now).await?;
        transaction.commit().await?;
        let role = Role::from_column(&owner.role)?;
        self.pair(&CurrentUser { id: owner.user_id, session, role }, token)
    }

    /// Ends the session, with all its tokens, at once and for every replica.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn logout(&self, user: CurrentUser) -> Result<(), AppError> {
        Ok(self.sessions.end(user.session).await?)
    }

    /// Who a token speaks for; `None` when it is not good. Its session may have ended.
    pub fn verify(&self, token: &str) -> Option<CurrentUser> {
        self.tokens.verify(token)
    }

    /// Whether a session has ended before its time.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn has_ended(&self, session: Uuid) -> Result<bool, AppError> {
        Ok(self.sessions.has_ended(session).await?)
    }

    /// Forgets, now and then, sessions that ran out and attempts that no longer count.
    pub fn forget_what_is_over(&self, background: &Background) {
        let (pool, attempts) = (self.pool.clone(), self.attempts);
        background.every("auth_forget", Duration::from_hours(1), move || {
            let pool = pool.clone();
            async move {
                if let Err(error) = forget(&pool, attempts).await {
                    tracing::warn!(%error, "old sessions were not removed; the next run will");
                }
            }
        });
    }

    /// How many passwords have been checked, those of nobody included.
    pub fn password_checks(&self) -> u64 {
        self.passwords.checks()
    }

    fn pair(&self, user: &CurrentUser, refresh_token: String) -> Result<TokenPair, AppError> {
        Ok(TokenPair {
            access_token: self.tokens.issue(user, now()).map_err(AppError::Internal)?,
            refresh_token,
            token_type: "Bearer",
            expires_in: self.tokens.ttl().as_secs(),
        })
    }
}

async fn forget(pool: &Pool, attempts: Attempts) -> sqlx::Result<()> {
    let now = now();
    repo::forget_sessions(pool, now).await?;
    attempts::forget_old(pool, now - attempts.forgotten_after()).await?;
    Ok(())
}

/// A new token, and what is kept of it.
fn refresh_token() -> Result<(String, String), AppError> {
    let mut bytes = [0; REFRESH_TOKEN_BYTES];
    rand::fill(&mut bytes).map_err(AppError::internal)?;
    let token = BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let hash = hash(token.as_bytes());
    Ok((token, hash))
}

/// A token is random and long: a plain hash cannot be searched, and needs no salt.
fn hash(token: &[u8]) -> String {
    super::sha256(token)
}
