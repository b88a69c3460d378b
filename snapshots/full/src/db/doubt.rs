//! Detects connections that are probably useless: those older than the last one that was lost, or that
//! led to a server which has become read-only.
//!
//! When a server restarts, all connections of the pool are dead, and the pool does not know. The
//! first request that finds out casts doubt on the others, and each is replaced before its next use.

use std::{
    io::ErrorKind,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use sqlx::error::DatabaseError;

use super::postgres::{is_lost, is_read_only};

/// A database that stays read-only casts doubt once in this time: each doubt costs a new connection
/// for every old one.
const READ_ONLY_AGAIN: Duration = Duration::from_secs(10);

static DOUBT: Mutex<Doubt> = Mutex::new(Doubt::NONE);

struct Doubt {
    /// An I/O error came, and no test of a connection since.
    is_suspected: bool,
    /// Older connections are in doubt.
    cast: Option<Instant>,
    /// The last doubt that a read-only server has cast.
    read_only: Option<Instant>,
}

/// Casts doubt on all connections, if the server says that it closes one or that it is read-only. A
/// statement that fails on a connection that works casts none.
///
/// An I/O error makes the next connection [suspected](is_suspected). It may be that of an attempt to
/// connect: a server that is full resets new connections and keeps the others.
pub fn after(error: &sqlx::Error) {
    doubt(|doubt| doubt.after(error, Instant::now()));
}

/// Whether a connection needs a test before use, although it was not idle for long.
pub fn is_suspected() -> bool {
    doubt(|doubt| doubt.is_suspected)
}

/// Ends the suspicion, as a connection has passed its test.
pub fn trust() {
    doubt(|doubt| doubt.is_suspected = false);
}

/// Casts doubt on all connections, if the test of an open one says that it is lost.
pub fn after_test(error: &sqlx::Error) {
    doubt(|doubt| doubt.after_test(error, Instant::now()));
}

/// Casts doubt on all connections, as one leads to a server that is read-only.
pub fn after_read_only() {
    doubt(|doubt| doubt.after_read_only(Instant::now()));
}

/// Whether a connection of this age is in doubt.
pub fn about(age: Duration) -> bool {
    doubt(|doubt| doubt.about(age, Instant::now()))
}

fn doubt<T>(with: impl FnOnce(&mut Doubt) -> T) -> T {
    with(&mut DOUBT.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Doubt {
    const NONE: Self = Self { is_suspected: false, cast: None, read_only: None };

    fn after(&mut self, error: &sqlx::Error, now: Instant) {
        let code = error.as_database_error().and_then(DatabaseError::code);
        let code = code.as_deref().unwrap_or_default();
        if is_broken(error) {
            self.is_suspected = true;
        } else if is_lost(code) {
            self.cast = Some(now);
        } else if is_read_only(code) {
            self.after_read_only(now);
        }
    }

    fn after_read_only(&mut self, now: Instant) {
        let lately = |at| now.saturating_duration_since(at) < READ_ONLY_AGAIN;
        if !self.read_only.is_some_and(lately) {
            (self.cast, self.read_only) = (Some(now), Some(now));
        }
    }

    fn after_test(&mut self, error: &sqlx::Error, now: Instant) {
        self.after(error, now);
        if is_broken(error) {
            self.cast = Some(now);
        }
    }

    fn about(&self, age: Duration, now: Instant) -> bool {
        self.cast.is_some_and(|cast| now.saturating_duration_since(cast) <= age)
    }
}

/// Whether an open connection has failed.
fn is_broken(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if matches!(
        error.kind(),
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
            | ErrorKind::TimedOut
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGE: Duration = Duration::from_secs(1);

    #[test]
    fn an_io_error_has_a_connection_tested_and_a_failed_test_casts_doubt() {
        let now = Instant::now();
        for kind in [ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof, ErrorKind::TimedOut] {
            let (mut doubt, error) = (Doubt::NONE, sqlx::Error::Io(kind.into()));
            doubt.after(&error, now);
            assert!(doubt.is_suspected && !doubt.about(AGE, now), "{kind}");
            doubt.after_test(&error, now);
            assert!(doubt.about(AGE, now), "{kind}");
            assert!(!doubt.about(AGE, now + AGE * 2), "{kind}: newer than the error");
        }
        for kind in [ErrorKind::ConnectionRefused, ErrorKind::HostUnreachable, ErrorKind::NotFound]
        {
            let mut doubt = Doubt::NONE;
            doubt.after(&sqlx::Error::Io(kind.into()), now);
            assert!(!doubt.is_suspected && !doubt.about(AGE, now), "{kind}");
        }
    }

    #[derive(Debug)]
    struct ReadOnly;

    impl std::fmt::Display for ReadOnly {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("cannot execute INSERT in a read-only transaction")
        }
    }

    impl std::error::Error for ReadOnly {}

    impl sqlx::error::DatabaseError for ReadOnly {
        fn message(&self) -> &'static str {
            "cannot execute INSERT in a read-only transaction"
        }

        fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
            Some("25006".into())
        }

        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> sqlx::error::ErrorKind {
            sqlx::error::ErrorKind::Other
        }
    }

    #[test]
    fn a_database_that_stays_read_only_casts_doubt_once_in_a_while() {
        let (mut doubt, start) = (Doubt::NONE, Instant::now());
        let error = sqlx::Error::Database(Box::new(ReadOnly));
        doubt.after(&error, start);
        assert!(doubt.about(AGE, start));
        let soon = start + READ_ONLY_AGAIN / 2;
        doubt.after(&error, soon);
        assert!(!doubt.about(AGE, soon), "the connections are newer than the first doubt");
        let later = start + READ_ONLY_AGAIN;
        doubt.after(&error, later);
        assert!(doubt.about(AGE, later));
    }
}
