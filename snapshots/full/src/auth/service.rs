//! The rules of accounts and sessions.

mod lifecycle;

use std::{
    net::IpAddr,
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::response::Response;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    attempts::{self, Attempt, Attempts},
    dto::TokenPair,
    leases::Leases,
    now,
    password::{self, Passwords},
    repo::{self, Account, Device},
    sessions::Sessions,
    tokens::{self, Identity, Tokens},
    users::{self, Role, User},
};
use crate::{
    background::Background,
    config::Config,
    db::{self, Pool, Transaction},
    error::{Cause, Error, FaultCode, FieldFault},
    http::caller::Client,
    rate_limit::{Admission, Budgets, RateLimit},
};

const REFRESH_TOKEN_BYTES: usize = 32;

/// Time in which a used refresh token is accepted again while its successor is unused: two tabs of a
/// browser refresh at the same time, and a client repeats a request whose response it has not got.
const GRACE: Duration = Duration::from_secs(20);

/// Most active sessions of an account. The next sign-in ends the oldest.
const MAX_SESSIONS: i64 = 100;

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
    background: Background,
    tokens: Tokens,
    passwords: Passwords,
    attempts: Attempts,
    sessions: Sessions,
    leases: Leases,
    entrance: Arc<RateLimit>,
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
        background: &Background,
        sessions: Sessions,
        budgets: &Budgets,
    ) -> Result<Self, Cause> {
        Ok(Self {
            pool: pool.clone(),
            background: background.clone(),
            tokens: Tokens::new(
                &tokens::keys(config)?,
                &config.auth_issuer,
                config.auth_leeway,
                config.auth_access_ttl,
            )?,
            passwords: Passwords::new(config.auth_hash_concurrency),
            attempts: Attempts::new(config),
            sessions,
            leases: Leases::default(),
            entrance: Arc::new(RateLimit::new("auth", config.auth_rate_limit_per_minute, budgets)),
            refresh_ttl: config.auth_refresh_ttl,
        })
    }

    /// Takes a request below `/auth` from the budget of its `client`, or refuses it.
    pub async fn admit(&self, client: Client) -> ControlFlow<Response, Admission> {
        self.entrance.admit(client).await
    }

    /// Creates an account.
    ///
    /// # Errors
    /// [`Error::Taken`] for the name or the address, [`Error::Invalid`] for a weak password.
    pub async fn register(&self, account: NewAccount) -> Result<User, Error> {
        let (transaction, user) = create(&self.pool, &self.passwords, account).await?;
        let account = user.id;
        self.commit(transaction, move || {
            tracing::info!(target: "audit", %account, "an account was registered");
        })
        .await?;
        Ok(user)
    }

    /// Begins a session.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`] for an unknown address or a disabled account as for a wrong
    /// password, after the same work; [`Error::RateLimited`] after too many attempts.
    pub async fn login(
        &self,
        email: &str,
        password: SecretString,
        address: IpAddr,
        device: &Device,
    ) -> Result<TokenPair, Error> {
        let begun = async {
            let account = self.check(email, password, address).await?;
            self.begin(account.id, &account.password_hash, device).await
        };
        let begun = begun.await;
        let outcome = match &begun {
            Ok(_) => "ok",
            Err(Error::WrongCredentials) => "wrong",
            Err(Error::RateLimited { .. }) => "refused",
            Err(_) => "failed",
        };
        metrics::counter!("auth_sign_ins_total", "outcome" => outcome).increment(1);
        begun
    }

    /// The account with this address and password.
    async fn check(
        &self,
        email: &str,
        password: SecretString,
        address: IpAddr,
    ) -> Result<Account, Error> {
        let email = email.to_lowercase();
        let attempt = Attempt::new(&email, address);
        // Before the attempt is counted: one that is not checked guesses nothing.
        let place = self.passwords.place()?;
        let begun = self.attempts.begin(&self.pool, &attempt).await;
        begun.inspect_err(|error| {
            if matches!(error, Error::RateLimited { .. }) {
                tracing::info!(target: "audit", %address, "a password was not checked: too many attempts");
            }
        })?;
        let account = repo::account(&self.pool, &email).await?;
        let hash = account.as_ref().map(|account| account.password_hash.clone());
        let fits = self.passwords.verify(place, password, hash).await?;
        let id = account.as_ref().map(|account| tracing::field::display(account.id));
        let Some(account) = account.filter(|_| fits) else {
            tracing::info!(target: "audit", %address, account = id, "a password was wrong");
            return Err(Error::WrongCredentials);
        };
        self.attempts.succeeded(&self.pool, &attempt).await?;
        Ok(account)
    }

    /// Begins a session of an account whose password was checked against `password_hash`.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`] where the account has another password since, or is disabled.
    pub async fn begin(
        &self,
        account: Uuid,
        password_hash: &str,
        device: &Device,
    ) -> Result<TokenPair, Error> {
        let (session, now) = (Uuid::now_v7(), now());
        let mut transaction = db::begin(&self.pool).await?;
        if !repo::lock(&mut transaction, account, password_hash).await? {
            return Err(Error::WrongCredentials);
        }
        let ended =
            repo::end_oldest_sessions(&mut transaction, account, MAX_SESSIONS - 1, now).await?;
        let oldest = ended.len();
        let change = self.sessions.changing(ended);
        let expires_at = now + self.refresh_ttl;
        repo::begin_session(&mut transaction, session, account, device, now, expires_at).await?;
        let (token, hash) = refresh_token()?;
        repo::add_token(&mut transaction, &hash, session, now).await?;
        self.commit(transaction, move || {
            tracing::info!(target: "audit", %account, %session, "a session has begun");
            if oldest > 0 {
                tracing::info!(target: "audit", %account, sessions = oldest, "the oldest sessions were ended: the account has too many");
            }
        })
        .await?;
        if oldest > 0 {
            change.ended().await;
        }
        self.pair(Identity { account, session }, token, now, expires_at)
    }

    /// The client whose budget a refresh uses: the account of its token, which no other client can exhaust,
    /// or the address that has sent one without an active session.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn refreshing(&self, token: &SecretString, address: IpAddr) -> Result<Client, Error> {
        let hash = hash(token.expose_secret().as_bytes());
        let account = repo::account_of(&self.pool, &hash, now()).await?;
        Ok(account.map_or(Client::Address(address), Client::Account))
    }

    /// Exchanges a refresh token for a new pair. A token that was used before replaces its unused
    /// successor for a short time. After that, or where the successor was used, reuse ends the session:
    /// one of the two clients may have stolen the token.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`]
    pub async fn refresh(&self, token: &SecretString) -> Result<TokenPair, Error> {
        let presented = hash(token.expose_secret().as_bytes());
        let now = now();
        let mut transaction = db::begin(&self.pool).await?;
        let (session, spent) = match repo::spend(&mut transaction, &presented, now).await? {
            Some(session) => (session, None),
            None => match repo::lock_spent(&mut transaction, &presented).await? {
                Some(spent) => (spent.session, Some(spent)),
                None => return Err(Error::Unauthenticated),
            },
        };
        // Of a session that has ended, reuse endangers nothing.
        let Some(living) = repo::living_session(&mut transaction, session, now).await? else {
            return Err(Error::Unauthenticated);
        };
        let issued_at = spent.as_ref().map_or(now, |spent| spent.at);
        if let Some(spent) = spent
            && !(now < spent.at + GRACE && repo::supersede(&mut transaction, &spent).await?)
        {
            // Ending the session waits for its lock.
            transaction.rollback().await.ok();
            tracing::warn!(target: "audit", account = %living.account, %session, "a refresh token was used twice: the session ends");
            metrics::counter!("auth_refresh_token_reuses_total").increment(1);
            self.end(living.account, session).await?;
            return Err(Error::Unauthenticated);
        }
        let (token, hash) = refresh_token()?;
        repo::add_token(&mut transaction, &hash, session, issued_at).await?;
        transaction.commit().await?;
        self.pair(Identity { account: living.account, session }, token, now, living.expires_at)
    }

    /// The account and the session of an access token; `None` where it is not valid. The session may
    /// have ended.
    pub fn verify(&self, token: &str) -> Option<Identity> {
        self.tokens.verify(token)
    }

    /// The session of an access token has ended: from now on, this replica does not verify the token,
    /// and its requests use up nothing of the account's budget.
    pub fn refuse(&self, token: &str) {
        self.tokens.refuse(token);
    }

    /// Role of a session's account, where this replica has asked a moment ago.
    pub fn leased_role(&self, session: Uuid) -> Option<Role> {
        self.leases.role(session, Instant::now())
    }

    /// Role of a session's account; `None` where the session has ended, or the account is disabled.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn role(&self, session: Uuid) -> Result<Option<Role>, Error> {
        let asked = Instant::now();
        if let Some(role) = self.leases.role(session, asked) {
            return Ok(Some(role));
        }
        let role = self.sessions.role(session).await?;
        if let Some(role) = role {
            self.leases.keep(session, role, asked);
        }
        Ok(role)
    }

    /// Tells other replicas what they have yet to learn.
    pub async fn close(&self) {
        self.sessions.close().await;
    }

    /// Deletes expired sessions and attempts that no longer count, and claims names that are not yet
    /// claimed, every hour.
    pub fn forget_what_is_over(&self, background: &Background) {
        let names = self.pool.clone();
        background.every("auth_names", Duration::from_hours(1), move || {
            let pool = names.clone();
            async move {
                if let Err(error) = users::claim_names(&pool).await {
                    tracing::warn!(%error, "names were not claimed; the next run retries");
                }
            }
        });
        let (pool, window) = (self.pool.clone(), self.attempts.window());
        let stopping = background.stopping();
        background.every("auth_forget", Duration::from_hours(1), move || {
            let (pool, stopping) = (pool.clone(), stopping.clone());
            async move {
                if let Err(error) = forget(pool, window, stopping).await {
                    tracing::warn!(%error, "expired sessions were not deleted; the next run retries");
                }
            }
        });
    }

    /// Number of checked passwords, with and without an account.
    pub fn password_checks(&self) -> u64 {
        self.passwords.checks()
    }

    /// Ends a session. Once this is answered, every replica refuses its tokens.
    async fn end(&self, account: Uuid, session: Uuid) -> Result<(), Error> {
        let change = self.sessions.changing(vec![session]);
        let mut transaction = db::begin(&self.pool).await?;
        repo::end_session(&mut transaction, session, now()).await?;
        self.commit(transaction, move || {
            tracing::info!(target: "audit", %account, %session, "a session was ended");
        })
        .await?;
        change.ended().await;
        Ok(())
    }

    /// Commits a change, and then has `audit` log it: both, even if the client leaves meanwhile.
    async fn commit(
        &self,
        transaction: Transaction,
        audit: impl FnOnce() + Send + 'static,
    ) -> Result<(), Error> {
        let committed = self.background.spawn(async move {
            transaction.commit().await?;
            audit();
            Ok(())
        });
        committed.await.unwrap_or_else(|error| Err(Error::internal(error)))
    }

    fn pair(
        &self,
        identity: Identity,
        refresh_token: String,
        now: DateTime<Utc>,
        session_ends: DateTime<Utc>,
    ) -> Result<TokenPair, Error> {
        let issued = self.tokens.issue(identity, now, session_ends);
        let (access_token, valid_for) = issued.map_err(Error::internal)?;
        let expires_in = valid_for.as_secs();
        Ok(TokenPair { access_token, refresh_token, token_type: "Bearer", expires_in })
    }
}

/// Creates an account, in a transaction that is left to commit.
pub async fn create(
    pool: &Pool,
    passwords: &Passwords,
    account: NewAccount,
) -> Result<(Transaction, User), Error> {
    let NewAccount { username, email, password, role } = account;
    let email = email.to_lowercase();
    strong(&password, &username, &email, "/password")?;
    let hash = passwords.hash(password).await?;
    let mut transaction = db::begin(pool).await?;
    let user = users::create(&mut *transaction, &username, &email, &hash, role).await?;
    Ok((transaction, user))
}

/// Refuses a weak password in the field at `pointer`.
fn strong(
    password: &SecretString,
    username: &str,
    email: &str,
    pointer: &str,
) -> Result<(), Error> {
    let Some(why) = password::weakness(password.expose_secret(), username, email) else {
        return Ok(());
    };
    let (pointer, detail) = (pointer.to_owned(), why.to_owned());
    Err(Error::Invalid(vec![FieldFault { pointer, detail, code: FaultCode::Invalid }]))
}

async fn forget(pool: Pool, window: Duration, stopping: CancellationToken) -> sqlx::Result<()> {
    repo::forget_sessions(pool.clone(), stopping.clone()).await?;
    attempts::forget_old(pool, window, stopping).await
}

/// A new token, and the hash to store.
fn refresh_token() -> Result<(String, String), Error> {
    let mut bytes = [0; REFRESH_TOKEN_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(Error::internal)?;
    let token = BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let hash = hash(token.as_bytes());
    Ok((token, hash))
}

/// A token is long and random, so that a plain hash without a salt is safe.
fn hash(token: &[u8]) -> String {
    super::sha256(token)
}
