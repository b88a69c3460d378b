//! Limits on attempts to sign in, by account and by address: a few free attempts, then delays that
//! double.
//!
//! The database counts them for all replicas together. An account that does not exist is counted,
//! too.

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, Utc};

use super::now;
use crate::{config::Config, db::Pool, error::Error};

/// An account, by its email address, or the address of a client.
#[derive(Clone, Copy)]
enum Subject<'a> {
    Account(&'a str),
    Address(IpAddr),
}

impl Subject<'_> {
    /// The key in the database: a hash.
    fn key(self) -> String {
        let text = match self {
            Self::Account(email) => format!("account {email}"),
            Self::Address(address) => format!("address {address}"),
        };
        super::sha256(text.as_bytes())
    }
}

/// The limits.
#[derive(Clone, Copy, Debug)]
pub struct Attempts {
    per_account: u32,
    per_address: u32,
    shortest: Duration,
    longest: Duration,
}

impl Attempts {
    /// Reads the limits from the settings.
    pub fn new(config: &Config) -> Self {
        Self {
            per_account: config.auth_attempts_per_account,
            per_address: config.auth_attempts_per_address,
            shortest: config.auth_lockout_min,
            longest: config.auth_lockout_max,
        }
    }

    /// Counts an attempt before its outcome is known, so that concurrent attempts gain nothing.
    ///
    /// # Errors
    /// [`Error::RateLimited`] while the account or the address has to wait.
    pub async fn begin(self, pool: &Pool, email: &str, address: IpAddr) -> Result<(), Error> {
        self.count(pool, Subject::Account(email), self.per_account).await?;
        self.count(pool, Subject::Address(address), self.per_address).await
    }

    async fn count(self, pool: &Pool, subject: Subject<'_>, free: u32) -> Result<(), Error> {
        let key = subject.key();
        loop {
            let now = now();
            let before = find(pool, &key).await?.unwrap_or_default();
            if let Some(until) = before.blocked_until.filter(|until| *until > now) {
                let retry_after = (until - now).to_std().unwrap_or_default();
                return Err(Error::RateLimited { retry_after });
            }
            let forgotten = before.last_at.is_none_or(|last| last < now - self.forgotten_after());
            let made = if forgotten { 1 } else { before.made + 1 };
            let blocked_until = self.wait(made, free).map(|wait| now + wait);
            if write(pool, &key, before.made, made, now, blocked_until).await? {
                return Ok(());
            }
            // Another attempt was counted in between: this one is counted after it.
        }
    }

    /// Time after which an attempt no longer counts.
    pub fn forgotten_after(self) -> Duration {
        self.longest * 2
    }

    /// Removes a successful attempt from the count.
    pub async fn succeeded(self, pool: &Pool, email: &str, address: IpAddr) -> Result<(), Error> {
        forget(pool, &Subject::Account(email).key()).await?;
        Ok(take_back(pool, &Subject::Address(address).key()).await?)
    }

    /// The delay after an attempt: it doubles with each attempt beyond the free ones.
    fn wait(self, made: i64, free: u32) -> Option<Duration> {
        let beyond = u32::try_from(made - i64::from(free)).ok()?;
        let doubled = self.shortest.saturating_mul(2_u32.saturating_pow(beyond));
        Some(doubled.min(self.longest))
    }
}

/// Attempts of a subject.
#[derive(Default)]
struct Record {
    made: i64,
    last_at: Option<DateTime<Utc>>,
    blocked_until: Option<DateTime<Utc>>,
}

async fn find(pool: &Pool, key: &str) -> sqlx::Result<Option<Record>> {
    sqlx::query_as!(
        Record,
        r#"SELECT made, last_at AS "last_at?: DateTime<Utc>",
            blocked_until AS "blocked_until: DateTime<Utc>"
        FROM auth_login_attempts WHERE subject = $1"#,
        key,
    )
    .fetch_optional(pool)
    .await
}

/// Writes the record unless another attempt has changed it since `before`; whether it did.
async fn write(
    pool: &Pool,
    key: &str,
    before: i64,
    made: i64,
    now: DateTime<Utc>,
    blocked_until: Option<DateTime<Utc>>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO auth_login_attempts (subject, made, last_at, blocked_until) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (subject) DO UPDATE SET made = $2, last_at = $3, blocked_until = $4 \
         WHERE auth_login_attempts.made = $5",
        key,
        made,
        now,
        blocked_until,
        before,
    );
    Ok(done.execute(pool).await?.rows_affected() > 0)
}

async fn take_back(pool: &Pool, key: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE auth_login_attempts SET made = made - 1 WHERE subject = $1 AND made > 0",
        key
    )
    .execute(pool)
    .await
    .map(drop)
}

async fn forget(pool: &Pool, key: &str) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM auth_login_attempts WHERE subject = $1", key)
        .execute(pool)
        .await
        .map(drop)
}

/// Deletes attempts before this time.
pub async fn forget_old(pool: &Pool, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!("DELETE FROM auth_login_attempts WHERE last_at < $1", before)
        .execute(pool)
        .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_maximum() {
        let rules = Attempts {
            per_account: 5,
            per_address: 20,
            shortest: Duration::from_secs(1),
            longest: Duration::from_mins(5),
        };
        let wait = |made| rules.wait(made, rules.per_account).map(|wait| wait.as_secs());
        assert_eq!([4, 5, 6, 7].map(wait), [None, Some(1), Some(2), Some(4)]);
        assert_eq!(wait(1000), Some(300));
    }
}
