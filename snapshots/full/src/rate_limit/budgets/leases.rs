//! Budgets that replicas share: Redis has them, and each process takes them in small lots, so that
//! most requests need no round trip.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use redis::Script;
use tokio::time::timeout;

use crate::{
    http::caller::Client,
    rate_limit::{Decision, Limit},
    redis::{Redis, Unavailable},
};

/// In microseconds, in which Redis counts.
const MINUTE: u32 = 60_000_000;

/// A lot is this part of a minute's budget. Other processes cannot use it.
const LOTS: u32 = 20;
const LARGEST_LOT: u32 = 1_000;

/// Lots of all clients that this process holds.
///
/// All processes together allow the requests of the budget, and each at most another lot that it
/// took before.
pub struct Leases {
    redis: Redis,
    take: Script,
    max: usize,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    leases: HashMap<(Limit, Client), Arc<Lease>>,
    swept: Option<Instant>,
}

#[derive(Default)]
struct Lease {
    answer: Mutex<Option<Answer>>,
    /// Its holder asks Redis, so that concurrent requests take one lot together.
    asking: tokio::sync::Mutex<()>,
}

/// Latest answer of Redis.
struct Answer {
    /// Requests of the lot that are left; `None` where it refused one.
    lot: Option<u32>,
    /// Requests left to all.
    beyond: u32,
    whole_at: Instant,
    /// End of its validity. A lot expires after the time in which the budget regains it: lots do not
    /// add up. A refusal is valid until the next request would be allowed, without a round trip.
    until: Instant,
}

impl Leases {
    /// At most `max` lots.
    pub fn new(redis: Redis, max: u32) -> Self {
        let (take, book) = (Script::new(include_str!("take.lua")), Mutex::default());
        Self { redis, take, max: max as usize, book }
    }

    /// Takes one request from the client's budget; `None` where Redis does not answer, or where this
    /// process holds too many lots.
    pub async fn take(&self, limit: Limit, client: Client) -> Option<Decision> {
        let lease = self.lease(limit, client, Instant::now())?;
        match lease.take(Instant::now()) {
            None => self.renew(&lease, limit, client).await.ok(),
            decision => decision,
        }
    }

    /// The same, of a lot that this process holds.
    pub fn take_at_once(&self, limit: Limit, client: Client) -> Option<Decision> {
        let now = Instant::now();
        self.lease(limit, client, now)?.take(now)
    }

    /// Waits for its turn as long as for Redis: at most twice `CACHE_TIMEOUT` in all.
    async fn renew(
        &self,
        lease: &Lease,
        limit: Limit,
        client: Client,
    ) -> Result<Decision, Unavailable> {
        let turn = timeout(self.redis.timeout(), lease.asking.lock()).await;
        let _turn = turn.map_err(|_| Unavailable)?;
        // Another has asked meanwhile.
        if let Some(decision) = lease.take(Instant::now()) {
            return Ok(decision);
        }
        // Microseconds that one request takes from the budget.
        let cost = MINUTE / limit.per_minute;
        let lot = (limit.per_minute / LOTS).clamp(1, LARGEST_LOT);
        let mut call = self.take.key(self.redis.key(format_args!("rate:{}:{client}", limit.name)));
        call.arg(cost).arg(MINUTE).arg(lot);
        let (granted, beyond, used): (u32, u32, u32) =
            self.redis.ask("EVALSHA", async |mut to| call.invoke_async(&mut to).await).await?;

        let now = Instant::now();
        let valid = if granted == 0 {
            micros((used + cost).saturating_sub(MINUTE))
        } else {
            micros(cost * granted).max(Duration::from_secs(1))
        };
        let lot = (granted > 0).then_some(granted);
        let answer = Answer { lot, beyond, whole_at: now + micros(used), until: now + valid };
        lease.hold(answer, now).ok_or(Unavailable)
    }

    /// `None` while too many clients have one: the others fall back to this process's budgets, which
    /// are bounded as well.
    fn lease(&self, limit: Limit, client: Client, now: Instant) -> Option<Arc<Lease>> {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lease) = book.leases.get(&(limit, client)) {
            return Some(lease.clone());
        }
        let swept_lately = book.swept.is_some_and(|at| now.duration_since(at).as_secs() < 1);
        if book.leases.len() >= self.max && !swept_lately {
            book.leases.retain(|_, lease| lease.is_held(now));
            book.swept = Some(now);
        }
        if book.leases.len() >= self.max {
            return None;
        }
        Some(book.leases.entry((limit, client)).or_default().clone())
    }
}

impl Lease {
    /// A request of the lot, or the refusal; `None` where Redis has to be asked.
    fn take(&self, now: Instant) -> Option<Decision> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.take(now)
    }

    /// Holds an answer. The request that has asked for it takes from it first.
    fn hold(&self, mut answer: Answer, now: Instant) -> Option<Decision> {
        let decision = answer.take(now);
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        decision
    }

    fn is_held(&self, now: Instant) -> bool {
        let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer.as_ref().is_some_and(|answer| now < answer.until)
    }
}

impl Answer {
    fn take(&mut self, now: Instant) -> Option<Decision> {
        if now >= self.until {
            return None;
        }
        let reset = self.whole_at.saturating_duration_since(now);
        let Some(lot) = &mut self.lot else {
            let retry_after = self.until.duration_since(now);
            return Some(Decision { allowed: false, remaining: 0, reset, retry_after });
        };
        *lot = lot.checked_sub(1)?;
        let remaining = self.beyond.saturating_add(*lot);
        Some(Decision { allowed: true, remaining, reset, retry_after: Duration::ZERO })
    }
}

fn micros(number: u32) -> Duration {
    Duration::from_micros(number.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: Duration = Duration::from_secs(3);

    fn answer(lot: Option<u32>, now: Instant) -> Answer {
        Answer { lot, beyond: 7, whole_at: now + 2 * VALID, until: now + VALID }
    }

    fn lease(lot: Option<u32>, now: Instant) -> Lease {
        let lease = Lease::default();
        *lease.answer.lock().unwrap() = Some(answer(lot, now));
        lease
    }

    #[test]
    fn the_request_that_asked_takes_from_its_lot_first() {
        let (lease, now) = (Lease::default(), Instant::now());
        let decision = lease.hold(answer(Some(1), now), now).unwrap();
        assert_eq!((decision.allowed, decision.remaining), (true, 7));
        assert_eq!(lease.take(now), None, "nothing of the lot is left for others");
    }

    #[test]
    fn a_lot_is_used_up() {
        let now = Instant::now();
        let lease = lease(Some(2), now);
        for remaining in [8, 7] {
            let decision = lease.take(now).unwrap();
            assert_eq!((decision.allowed, decision.remaining), (true, remaining));
            assert_eq!(decision.reset, 2 * VALID);
        }
        assert_eq!(lease.take(now), None, "Redis is asked again");
    }

    #[test]
    fn an_unused_lot_expires() {
        let now = Instant::now();
        assert_eq!(lease(Some(2), now).take(now + VALID), None);
    }

    #[test]
    fn a_refusal_is_valid_until_the_next_request_is_allowed() {
        let now = Instant::now();
        let lease = lease(None, now);
        for _ in 0..3 {
            let refused = lease.take(now).unwrap();
            assert_eq!((refused.allowed, refused.retry_after), (false, VALID));
        }
        assert_eq!(lease.take(now + VALID), None, "Redis is asked again");
    }
}
