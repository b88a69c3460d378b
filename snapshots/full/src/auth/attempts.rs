//! Limits on wrong passwords: leaky buckets by account and by address.
//!
//! An attempt is counted before its outcome is known, and only if each of its buckets has room; a
//! successful one is taken back. A full bucket drains within the window at any rate of attempts.
//!
//! Three buckets keep guessing slow without keeping owners out. That of an address limits a client
//! that tries many accounts. That of an account at one address is smaller than that of the account at
//! all addresses, so that one address cannot fill the latter. An address where the owner has signed in
//! is known for a time, and does not depend on the latter at all.
//!
//! The database has the buckets for all replicas together. An account that does not exist has buckets,
//! too.

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::now;
use crate::{
    config::Config,
    db::{self, Pool},
    error::Error,
};

/// Difference between the clocks of two replicas. What is later was written under a wrong clock, and
/// blocks no client.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// Size of an account's bucket for all addresses, in buckets for one.
const ADDRESSES: u32 = 2;

/// The limits.
#[derive(Clone, Copy, Debug)]
pub struct Attempts {
    per_account: u32,
    per_address: u32,
    window: Duration,
    known_for: Duration,
}

/// The buckets of an attempt, in the order of their keys: the order of locks.
pub struct Attempt([Bucket; 3]);

struct Bucket {
    /// The key in the database: a hash.
    subject: String,
    of: Of,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Address,
    Account,
    AccountAtAddress,
}

impl Attempt {
    /// An attempt to sign in to the account with this email address.
    pub fn new(email: &str, address: IpAddr) -> Self {
        let bucket = |of, text: String| Bucket { subject: super::sha256(text.as_bytes()), of };
        let mut buckets = [
            bucket(Of::Address, format!("address {address}")),
            bucket(Of::Account, format!("account {email}")),
            bucket(Of::AccountAtAddress, format!("account {email} at {address}")),
        ];
        buckets.sort_unstable_by(|one, other| one.subject.cmp(&other.subject));
        Self(buckets)
    }
}

/// The stored state of a bucket.
#[derive(Clone)]
struct Level {
    subject: String,
    /// Attempts in the bucket.
    made: i64,
    /// Since when they drain.
    last_at: DateTime<Utc>,
    /// Until when a full bucket is full.
    blocked_until: Option<DateTime<Utc>>,
    /// Of an account at an address: until when the address is known.
    known_until: Option<DateTime<Utc>>,
}

/// The next state of a bucket, unless it has changed since `before`.
struct Change {
    level: Level,
    before: Option<Level>,
}

impl Attempts {
    /// Reads the limits from the settings.
    pub fn new(config: &Config) -> Self {
        Self {
            per_account: config.auth_attempts_per_account,
            per_address: config.auth_attempts_per_address,
            window: config.auth_attempts_window,
            known_for: config.auth_refresh_ttl,
        }
    }

    /// Counts an attempt before its outcome is known, so that concurrent attempts gain nothing.
    ///
    /// # Errors
    /// [`Error::RateLimited`] while a bucket is full; then the attempt is counted nowhere.
    pub async fn begin(self, pool: &Pool, attempt: &Attempt) -> Result<(), Error> {
        loop {
            let (now, levels) = (now(), find(pool, attempt).await?);
            let counted = self.count(attempt, &levels, now);
            let changes = counted.map_err(|retry_after| Error::RateLimited { retry_after })?;
            if write(pool, &changes).await? {
                return Ok(());
            }
            // Another attempt was counted in between: this one is counted after it.
        }
    }

    /// Takes back a successful attempt, and forgets the failed ones of its account.
    pub async fn succeeded(self, pool: &Pool, attempt: &Attempt) -> Result<(), Error> {
        loop {
            let (now, levels) = (now(), find(pool, attempt).await?);
            if write(pool, &self.clear(attempt, &levels, now)).await? {
                return Ok(());
            }
        }
    }

    /// Time after which an attempt no longer counts.
    pub fn window(self) -> Duration {
        self.window
    }

    /// The buckets with the attempt, or the time until all of them have room.
    fn count(
        self,
        attempt: &Attempt,
        levels: &[Level],
        now: DateTime<Utc>,
    ) -> Result<Vec<Change>, Duration> {
        let counted = counted(attempt, levels, now);
        let of_this_time = |level: &&Level| level.last_at <= now + SKEW;
        let full_until = counted
            .iter()
            .filter_map(|(_, level)| level.as_ref().filter(of_this_time)?.blocked_until);
        if let Some(until) = full_until.max().filter(|until| *until > now) {
            return Err((until - now).to_std().unwrap_or_default());
        }
        let change = |(bucket, before): (&Bucket, Option<Level>)| {
            let (made, since) = self.drained(bucket.of, before.as_ref(), now);
            let known_until = before.as_ref().and_then(|level| level.known_until);
            Change { level: self.level(bucket, made + 1, since, known_until), before }
        };
        Ok(counted.into_iter().map(change).collect())
    }

    /// The buckets after a success.
    fn clear(self, attempt: &Attempt, levels: &[Level], now: DateTime<Utc>) -> Vec<Change> {
        let change = |(bucket, before): (&Bucket, Option<Level>)| {
            let (made, since) = self.drained(bucket.of, before.as_ref(), now);
            let level = match bucket.of {
                // The other attempts stay: an attacker may have an account, too.
                Of::Address => self.level(bucket, (made - 1).max(0), since, None),
                Of::Account => self.level(bucket, 0, now, None),
                Of::AccountAtAddress => self.level(bucket, 0, now, Some(now + self.known_for)),
            };
            Change { level, before }
        };
        counted(attempt, levels, now).into_iter().map(change).collect()
    }

    /// Attempts that have not drained, and since when the next one drains.
    fn drained(self, of: Of, level: Option<&Level>, now: DateTime<Utc>) -> (i64, DateTime<Utc>) {
        let Some(Level { made, last_at, .. }) = level else { return (0, now) };
        // The clock of another replica may be ahead.
        let last_at = (*last_at).min(now);
        let elapsed = (now - last_at).num_microseconds().unwrap_or(i64::MAX);
        let gone = elapsed / self.share(of);
        if gone < *made {
            (made - gone, last_at + TimeDelta::microseconds(gone * self.share(of)))
        } else {
            (0, now)
        }
    }

    /// A bucket with `made` attempts that drain since `last_at`.
    fn level(
        self,
        bucket: &Bucket,
        made: i64,
        last_at: DateTime<Utc>,
        known_until: Option<DateTime<Utc>>,
    ) -> Level {
        let over = made - self.size(bucket.of) + 1;
        let wait = TimeDelta::microseconds(over.max(0) * self.share(bucket.of));
        let blocked_until = (over > 0).then(|| last_at + wait);
        Level { subject: bucket.subject.clone(), made, last_at, blocked_until, known_until }
    }

    /// Attempts that a bucket has room for.
    fn size(self, of: Of) -> i64 {
        i64::from(match of {
            Of::Address => self.per_address,
            Of::Account => self.per_account * ADDRESSES,
            Of::AccountAtAddress => self.per_account,
        })
    }

    /// Time that one attempt takes to drain, in microseconds: the precision of every database.
    fn share(self, of: Of) -> i64 {
        i64::try_from(self.window.as_micros()).unwrap_or(i64::MAX).max(self.size(of))
            / self.size(of)
    }
}

/// The buckets that count the attempt, with their levels: at a known address, not that for all
/// addresses.
fn counted<'a>(
    attempt: &'a Attempt,
    levels: &[Level],
    now: DateTime<Utc>,
) -> Vec<(&'a Bucket, Option<Level>)> {
    let known = levels.iter().any(|level| level.known_until > Some(now));
    let counts = |bucket: &&Bucket| !(known && bucket.of == Of::Account);
    let level =
        |bucket: &Bucket| levels.iter().find(|level| level.subject == bucket.subject).cloned();
    attempt.0.iter().filter(counts).map(|bucket| (bucket, level(bucket))).collect()
}

async fn find(pool: &Pool, Attempt([one, two, three]): &Attempt) -> sqlx::Result<Vec<Level>> {
    sqlx::query_as!(
        Level,
        r#"SELECT subject, made, last_at AS "last_at: DateTime<Utc>",
            blocked_until AS "blocked_until: DateTime<Utc>",
            known_until AS "known_until: DateTime<Utc>"
        FROM auth_login_attempts WHERE subject IN ($1, $2, $3)"#,
        one.subject,
        two.subject,
        three.subject,
    )
    .fetch_all(pool)
    .await
}

/// Writes all changes or none; whether it did.
async fn write(pool: &Pool, changes: &[Change]) -> sqlx::Result<bool> {
    let mut transaction = db::begin(pool).await?;
    for Change { level, before } in changes {
        let done = sqlx::query!(
            "INSERT INTO auth_login_attempts (subject, made, last_at, blocked_until, known_until) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (subject) DO UPDATE \
             SET made = $2, last_at = $3, blocked_until = $4, known_until = $5 \
             WHERE auth_login_attempts.made = $6 AND auth_login_attempts.last_at = $7",
            level.subject,
            level.made,
            level.last_at,
            level.blocked_until,
            level.known_until,
            before.as_ref().map(|before| before.made),
            before.as_ref().map(|before| before.last_at),
        );
        if done.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
    }
    transaction.commit().await?;
    Ok(true)
}

/// Deletes attempts of before the window, and addresses that are no longer known, in batches.
pub async fn forget_old(
    pool: Pool,
    window: Duration,
    stopping: CancellationToken,
) -> sqlx::Result<()> {
    // The latest deleted row: no batch passes over the known addresses before it once more.
    let mut after = DateTime::UNIX_EPOCH;
    db::in_batches(pool, "auth_forget_attempts", stopping, async move |db, now| {
        // An attempt may be counted at the same time: its rows are skipped, and never waited for. The
        // lock finds the latest version of a row, and its age is compared again.
        let batch = sqlx::query_scalar!(
            r#"WITH old AS (SELECT subject FROM auth_login_attempts
                WHERE last_at < $1 AND last_at >= $2 AND (known_until IS NULL OR known_until < $3)
                ORDER BY last_at LIMIT $4 FOR UPDATE SKIP LOCKED)
            DELETE FROM auth_login_attempts WHERE subject IN (SELECT subject FROM old)
            RETURNING last_at AS "last_at: DateTime<Utc>""#,
            now - window,
            after,
            now,
            db::BATCH,
        );
        let deleted = batch.fetch_all(db).await?;
        after = deleted.iter().copied().max().unwrap_or(after);
        Ok(deleted.len() as u64)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, net::Ipv4Addr};

    use super::*;

    const OWNER: &str = "owner@example.com";
    const HOME: u32 = 1;
    const DAY: i64 = 24 * 60 * 60;

    /// The buckets of a service, in simulated time, counted in seconds. In front of them is the limit of
    /// all requests of an address.
    struct World {
        /// When the budget of each address is full again.
        requests: HashMap<u32, i64>,
        rules: Attempts,
        levels: HashMap<String, Level>,
        start: DateTime<Utc>,
    }

    impl World {
        /// With the defaults of the settings.
        fn new() -> Self {
            let rules = Attempts {
                per_account: 5,
                per_address: 20,
                window: Duration::from_mins(15),
                known_for: Duration::from_hours(168),
            };
            Self { requests: HashMap::new(), rules, levels: HashMap::new(), start: now() }
        }

        /// Takes a request from the budget of the address: 20 in a minute.
        fn admits(&mut self, second: i64, address: u32) -> bool {
            let full_at = self.requests.entry(address).or_insert(second);
            let after = (*full_at).max(second) + 60 / 20;
            let admitted = after - second <= 60;
            if admitted {
                *full_at = after;
            }
            admitted
        }

        /// Tries a password; whether the attempt was admitted.
        fn attempt(&mut self, second: i64, email: &str, address: u32, right: bool) -> bool {
            if !self.admits(second, address) {
                return false;
            }
            let now = self.start + TimeDelta::seconds(second);
            let attempt = Attempt::new(email, Ipv4Addr::from_bits(address).into());
            let Ok(changes) = self.rules.count(&attempt, &self.levels(&attempt), now) else {
                return false;
            };
            self.apply(changes);
            if right {
                let changes = self.rules.clear(&attempt, &self.levels(&attempt), now);
                self.apply(changes);
            }
            true
        }

        fn levels(&self, attempt: &Attempt) -> Vec<Level> {
            attempt
                .0
                .iter()
                .filter_map(|bucket| self.levels.get(&bucket.subject).cloned())
                .collect()
        }

        fn apply(&mut self, changes: Vec<Change>) {
            for Change { level, .. } in changes {
                self.levels.insert(level.subject.clone(), level);
            }
        }

        /// The longest time that an owner is kept out during a day of attacks, who comes after five
        /// seconds and then every ten minutes, and tries every minute. The attackers are always a
        /// moment earlier.
        fn longest_kept_out(&mut self, attack: impl Fn(&mut Self, i64)) -> i64 {
            let (mut came, mut longest) = (5, 0);
            for second in 0..DAY {
                attack(self, second);
                let tries = second >= came && (second - came) % 60 == 0;
                if tries && self.attempt(second, OWNER, HOME, true) {
                    longest = longest.max(second - came);
                    came = second + 600;
                }
            }
            longest.max(DAY - came)
        }
    }

    /// Wrong passwords for the owner's account: five, then one in five minutes.
    fn patient(world: &mut World, second: i64, address: u32) {
        if second < 5 || second % 300 == 0 {
            world.attempt(second, OWNER, address, false);
        }
    }

    /// A replica whose clock was an hour ahead has counted.
    #[test]
    fn a_clock_that_was_ahead_keeps_no_client_waiting() {
        let mut world = World::new();
        for _ in 0..5 {
            world.attempt(60 * 60, OWNER, HOME, false);
        }
        world.requests.clear();
        assert!(world.attempt(15 * 60, OWNER, HOME, true));
    }

    #[test]
    fn an_office_behind_one_address_is_not_refused() {
        let (mut world, mut wrong, mut refused) = (World::new(), 0, 0);
        for minute in 0..24 * 60 {
            let email = format!("{}@example.com", minute % 50);
            // One of ten sign-ins begins with a typo.
            if minute % 10 == 0 {
                wrong += u32::from(world.attempt(minute * 60, &email, HOME, false));
            }
            refused += u32::from(!world.attempt(minute * 60 + 10, &email, HOME, true));
        }
        assert_eq!((wrong, refused), (144, 0));
    }

    #[test]
    fn an_attacked_owner_is_kept_out_for_less_than_the_window() {
        let flood = |world: &mut World, second: i64| {
            world.attempt(second, OWNER, 2, false);
        };
        let botnet = |world: &mut World, second: i64| {
            for bot in 0..3 {
                world.attempt(second, OWNER, 1000 + bot, false);
            }
        };
        // In seconds: five wrong passwords and then one in five minutes, from another address and from
        // the owner's; one in a second; and one in a second from each of three addresses.
        let mut known = World::new();
        assert!(known.attempt(-60, OWNER, HOME, true));
        let kept_out = [
            World::new().longest_kept_out(|world, second| patient(world, second, 2)),
            World::new().longest_kept_out(|world, second| patient(world, second, HOME)),
            World::new().longest_kept_out(flood),
            known.longest_kept_out(botnet),
        ];
        assert_eq!(kept_out, [0, 180, 0, 0]);
    }

    /// The address has no room for its other people as long as the flood lasts, and has it again soon.
    #[test]
    fn a_flood_from_a_shared_address_keeps_out_sign_ins_there() {
        let junk = |world: &mut World, second: i64| {
            world.admits(second, HOME);
        };
        let guesses = |world: &mut World, second: i64| {
            world.attempt(second, &format!("{second}@example.com"), HOME, false);
        };
        for flood in [&junk as &dyn Fn(&mut World, i64), &guesses] {
            let mut world = World::new();
            let (mut at_home, mut elsewhere) = (0, 0);
            for second in 0..3600 {
                flood(&mut world, second);
                if second % 60 == 30 {
                    at_home += u32::from(world.attempt(second, OWNER, HOME, true));
                    elsewhere += u32::from(world.attempt(second, OWNER, 2, true));
                }
            }
            assert_eq!((at_home, elsewhere), (0, 60));
            let back = (3600..3700).find(|second| world.attempt(*second, OWNER, HOME, true));
            assert!(back.is_some_and(|second| second <= 3600 + 45), "{back:?}");
        }
    }

    #[test]
    fn guessing_is_slow_from_any_number_of_addresses() {
        let guesses = |addresses: u32, pause: i64| {
            let mut world = World::new();
            let mut admitted = 0;
            for turn in 0..DAY / pause {
                for address in 0..addresses {
                    let guess = world.attempt(turn * pause, OWNER, 1000 + address, false);
                    admitted += i64::from(guess);
                }
            }
            admitted
        };
        // At one account in a day: every ten seconds from one address, each minute from a hundred, each
        // hour from a thousand.
        assert_eq!([guesses(1, 10), guesses(100, 60), guesses(1000, 3600)], [484, 969, 240]);
        // At any accounts, from one address.
        let mut world = World::new();
        let tried =
            (0..DAY / 10).filter(|n| world.attempt(10 * n, &format!("{n}@example.com"), 2, false));
        assert_eq!(tried.count(), 1939);
    }

    #[test]
    fn a_refused_attempt_counts_nowhere() {
        let mut world = World::new();
        for n in 0..20 {
            assert!(world.attempt(0, &format!("{n}@example.com"), 2, false));
        }
        assert!(!world.attempt(0, OWNER, 2, false), "the address has to wait");
        for _ in 0..5 {
            assert!(world.attempt(0, OWNER, HOME, false), "the account was not counted");
        }
        assert!(!world.attempt(0, OWNER, HOME, false));
        assert!(!world.attempt(179, OWNER, HOME, false));
        assert!(world.attempt(180, OWNER, HOME, false), "refusals do not prolong the wait");
    }

    #[test]
    fn a_success_forgets_the_failures_of_the_account() {
        let mut world = World::new();
        for _ in 0..4 {
            assert!(world.attempt(0, OWNER, HOME, false));
        }
        assert!(world.attempt(0, OWNER, HOME, true));
        for _ in 0..5 {
            assert!(world.attempt(0, OWNER, HOME, false));
        }
        assert!(!world.attempt(0, OWNER, HOME, false));
    }
}
