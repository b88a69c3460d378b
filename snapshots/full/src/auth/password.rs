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
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Cause, Error};

/// Accepted lengths, in characters (NIST SP 800-63B-4, 3.1.1.2; the upper one bounds the work).
pub const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// Hashes that wait for each one that is made; an Argon2id hash takes some 20 ms. Beyond that, a client
/// would wait for longer than it does.
const WAITING: usize = 16;

/// Leaked passwords from published lists that have an accepted length.
const COMMON: &str = include_str!("common_passwords.txt");

/// A hash that no password matches. It is checked if there is no account, for the same work.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$oiNFDuoLC2SeA6u2UptuDA$rzY/Dk3lxOyMMonjnWtLtcaiQAv5jMY8pQ+sWU8otCw";

/// Hashes passwords with Argon2id, outside of the runtime and a few at a time: each takes 19 MiB.
#[derive(Clone)]
pub struct Passwords {
    /// For the hashes that are made or wait.
    places: Arc<Semaphore>,
    /// For the hashes that are made.
    permits: Arc<Semaphore>,
    checks: Arc<AtomicU64>,
}

/// A place in the queue for hashes.
pub struct Place(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

impl Passwords {
    /// At most `concurrency` hashes at a time, and a bounded queue of more.
    pub fn new(concurrency: u32) -> Self {
        let concurrency = concurrency as usize;
        Self {
            places: Arc::new(Semaphore::new(concurrency * (1 + WAITING))),
            permits: Arc::new(Semaphore::new(concurrency)),
            checks: Arc::default(),
        }
    }

    /// Takes a place in the queue. It is free again when it is dropped, or after the work.
    ///
    /// # Errors
    /// [`Error::Overloaded`] at once, where the queue is full.
    pub fn place(&self) -> Result<Place, Error> {
        let place = self.places.clone().try_acquire_owned();
        place.map(Place).map_err(|_| Error::Overloaded)
    }

    /// The hash to store, in the PHC string format.
    pub async fn hash(&self, password: SecretString) -> Result<String, Error> {
        self.work(self.place()?, move || {
            let hash = Argon2::default().hash_password(password.expose_secret().as_bytes())?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `hash` is of `password`. Without a hash the result is false, after the same work.
    pub async fn verify(
        &self,
        place: Place,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<bool, Error> {
        let exists = hash.is_some();
        let checks = self.checks.clone();
        let fits = self.work(place, move || {
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
        place: Place,
        work: impl FnOnce() -> Result<T, Cause> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = self.permits.clone().acquire_owned().await.map_err(Error::internal)?;
        let work = tokio::task::spawn_blocking(move || {
            // Until the work ends, even where the client disconnects.
            let _held = (place, permit);
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
    use std::{pin::pin, sync::mpsc};

    use futures_util::{future::join_all, poll};

    use super::*;

    #[tokio::test]
    async fn a_hash_matches_only_its_password() {
        let passwords = Passwords::new(1);
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        let verify = async |password: &str| {
            let place = passwords.place().unwrap();
            passwords.verify(place, password.into(), Some(hash.clone())).await.unwrap()
        };
        assert!(verify("correct horse").await);
        assert!(!verify("wrong horse").await);
    }

    #[tokio::test]
    async fn a_missing_account_takes_the_same_work() {
        let passwords = Passwords::new(1);
        let parameters = |hash: &str| hash.split('$').nth(3).map(str::to_owned);
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert_eq!(parameters(&hash), parameters(DUMMY));
        let place = passwords.place().unwrap();
        assert!(!passwords.verify(place, "anything".into(), None).await.unwrap());
        assert_eq!(passwords.checks(), 1);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_more_work_at_once() {
        let passwords = Passwords::new(1);
        let (release, released) = mpsc::channel::<()>();
        let place = passwords.place().unwrap();
        let mut running = pin!(passwords.work(place, move || Ok(released.recv()?)));
        assert!(poll!(&mut running).is_pending());
        let wait = |_| Box::pin(passwords.work(passwords.place().unwrap(), || Ok(())));
        let mut waiting: Vec<_> = (0..WAITING).map(wait).collect();
        for work in &mut waiting {
            assert!(poll!(work).is_pending());
        }
        assert!(matches!(passwords.place(), Err(Error::Overloaded)));

        release.send(()).unwrap();
        running.await.unwrap();
        for done in join_all(waiting).await {
            done.unwrap();
        }
        passwords.place().unwrap();
    }

    #[test]
    fn common_and_personal_passwords_are_refused() {
        let weakness = |password| weakness(password, "Ada_at_Work", "ada.lovelace@example.com");
        for common in ["password1", "PASSWORD1"] {
            assert_eq!(weakness(common), Some("among the most common passwords"), "{common}");
        }
        for personal in ["ada_at_work", "Ada.Lovelace", "ADA.lovelace@example.com"] {
            let why = "the same as the name or the address";
            assert_eq!(weakness(personal), Some(why), "{personal}");
        }
        assert_eq!(weakness("correct horse battery"), None);
    }

    #[test]
    fn listed_passwords_have_an_accepted_length() {
        for common in COMMON.lines() {
            assert!(LENGTH.contains(&common.chars().count()), "{common}");
            assert_eq!(common, common.to_lowercase());
        }
    }
}
