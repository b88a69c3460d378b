//! Passwords: which are taken, and how they are kept.

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

use crate::error::AppError;

/// Lengths that are taken, in characters (NIST SP 800-63B-4, 3.1.1.2; the upper one bounds the work).
pub const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// Of published lists of leaked passwords, those long enough to be taken otherwise.
const COMMON: &str = include_str!("common_passwords.txt");

/// Of no password: what is checked when there is no account, so that the work is the same.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$oiNFDuoLC2SeA6u2UptuDA$rzY/Dk3lxOyMMonjnWtLtcaiQAv5jMY8pQ+sWU8otCw";

/// Hashes passwords with Argon2id, beside the runtime and a few at a time: each takes 19 MiB.
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

    /// The hash to keep, in the PHC string format.
    pub async fn hash(&self, password: SecretString) -> Result<String, AppError> {
        self.work(move || {
            let hash = Argon2::default().hash_password(password.expose_secret().as_bytes())?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `password` is the one that `hash` was made from. Without a hash it is none, after
    /// the same work.
    pub async fn verify(
        &self,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<bool, AppError> {
        let exists = hash.is_some();
        let checks = self.checks.clone();
        let fits = self.work(move || {
            let hash = hash.as_deref().unwrap_or(NOBODY);
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

    /// How many passwords have been checked, those of nobody included.
    pub fn checks(&self) -> u64 {
        self.checks.load(Ordering::Relaxed)
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, axum::BoxError> + Send + 'static,
    ) -> Result<T, AppError> {
        let permit = self.permits.clone().acquire_owned().await.map_err(AppError::internal)?;
        let work = tokio::task::spawn_blocking(move || {
            // Until the work ends, and not until whoever asked goes away.
            let _permit = permit;
            work()
        });
        work.await.map_err(AppError::internal)?.map_err(AppError::internal)
    }
}

/// Why a password is not taken, if it is not: it is common, or says who its owner is.
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
    async fn a_hash_fits_its_password_alone() {
        let passwords = Passwords::new(1);
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(passwords.verify("correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("wrong horse".into(), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_costs_what_somebody_costs() {
        let passwords = Passwords::new(1);
        let parameters = |hash: &str| hash.split('$').nth(3).map(str::to_owned);
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert_eq!(parameters(&hash), parameters(NOBODY));
        assert!(!passwords.verify("anything".into(), None).await.unwrap());
        assert_eq!(passwords.checks(), 1);
    }

    #[test]
    fn common_and_personal_passwords_are_not_taken() {
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
    fn the_list_holds_what_would_be_taken_otherwise() {
        for common in COMMON.lines() {
            assert!(LENGTH.contains(&common.chars().count()), "{common}");
            assert_eq!(common, common.to_lowercase());
        }
    }
}
