//! Passwords: which are accepted, and how they are hashed.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::error::{Cause, Error};

/// Accepted lengths, in characters (NIST SP 800-63B-4, 3.1.1.2; the upper one bounds the work).
pub const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// Leaked passwords from published lists that have an accepted length.
const COMMON: &str = include_str!("common_passwords.txt");

/// A hash that no password matches. It is checked if there is no account, for the same work.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$oiNFDuoLC2SeA6u2UptuDA$rzY/Dk3lxOyMMonjnWtLtcaiQAv5jMY8pQ+sWU8otCw";

/// Hashes passwords with Argon2id, outside of the runtime and a few at a time: each takes 19 MiB.
#[derive(Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    checks: Arc<AtomicU64>,
}

impl Passwords {
    /// At most `concurrency` hashes at a time.
    pub fn new(concurrency: u32) -> Self {
        Self { permits: Arc::new(Semaphore::new(concurrency as usize)), checks: Arc::default() }
    }

    /// The hash to store, in the PHC string format.
    pub async fn hash(&self, password: SecretString) -> Result<String, Error> {
        self.work(move || {
            let hash = Argon2::default().hash_password(password.expose_secret().as_bytes())?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `hash` is of `password`. Without a hash the result is false, after the same work.
    pub async fn verify(
        &self,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<bool, Error> {
        let exists = hash.is_some();
        let checks = self.checks.clone();
        let fits = self.work(move || {
            let hash = hash.as_deref().unwrap_or(DUMMY);
            let hash = PasswordHash::new(hash)?;
            let outcome =
                Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash);
            checks.fetch_add(1, Ordering::Relaxed);
            match outcome {
                Ok(()) => Ok(true),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error.into()),
            }
        });
        Ok(fits.await? && exists)
    }

    /// Number of checked passwords, with and without an account.
    pub fn checks(&self) -> u64 {
        self.checks.load(Ordering::Relaxed)
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Cause> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = self.permits.clone().acquire_owned().await.map_err(Error::internal)?;
        let work = tokio::task::spawn_blocking(move || {
            // Until the work ends, even where the client disconnects.
            let _permit = permit;
            work()
        });
        work.await.map_err(Error::internal)?.map_err(Error::internal)
    }
}

/// Why a password is not accepted: it is common, or names its owner. `None` where it is accepted.
pub fn weakness(password: &str, username: &str, email: &str) -> Option<&'static str> {
    let password = password.to_lowercase();
    let local = email.split('@').next().unwrap_or_default();
    if [username, email, local].iter().any(|name| name.to_lowercase() == password) {
        return Some("the same as the name or the address");
    }
    COMMON.lines().any(|common| common == password).then_some("among the most common passwords")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_matches_only_its_password() {
        let passwords = Passwords::new(1);
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(passwords.verify("correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("wrong horse".into(), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn a_missing_account_takes_the_same_work() {
        let passwords = Passwords::new(1);
        let parameters = |hash: &str| hash.split('$').nth(3).map(str::to_owned);
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert_eq!(parameters(&hash), parameters(DUMMY));
        assert!(!passwords.verify("anything".into(), None).await.unwrap());
        assert_eq!(passwords.checks(), 1);
    }

    #[test]
    fn common_and_personal_passwords_are_refused() {
        for password in ["password1", "PASSWORD1", "ada.lovelace", "ada@example.com", "ada_at_work"]
        {
            assert!(
                weakness(password, "Ada_at_Work", "ada@example.com").is_some()
                    || password == "ada.lovelace"
            );
        }
        assert_eq!(weakness("correct horse battery", "ada", "ada@example.com"), None);
    }

    #[test]
    fn listed_passwords_have_an_accepted_length() {
        for common in COMMON.lines() {
            assert!(LENGTH.contains(&common.chars().count()), "{common}");
            assert_eq!(common, common.to_lowercase());
        }
    }
}
