//! A table of budgets in this process: the generic cell rate algorithm, with one timestamp for each
//! budget.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Decision, Limit};
use crate::http::caller::Client;

/// Enough that two cores rarely wait for each other.
const SHARDS: usize = 16;
const MINUTE: Duration = Duration::from_mins(1);

/// Budgets that refill evenly: a minute without requests refills all of it.
pub struct Gcra {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    max_per_shard: usize,
}

/// Whose budget it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// That of one client.
    Own(Limit, Client),
    /// That of the clients with this hash which found the table full.
    Shared(Limit, usize),
}

#[derive(Default)]
struct Shard {
    /// When each budget will be full again.
    whole_at: HashMap<Key, Instant>,
    swept: Option<Instant>,
}

impl Gcra {
    /// Budgets of at most `max` clients, all full, and as many for the clients beyond.
    pub fn new(max: u32) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            max_per_shard: max as usize / SHARDS,
        }
    }

    /// Takes one request from the client's budget.
    pub fn take(&self, limit: Limit, client: Client) -> Decision {
        self.take_at(limit, client, Instant::now())
    }

    fn take_at(&self, limit: Limit, client: Client, now: Instant) -> Decision {
        #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
        let hash = self.hasher.hash_one((limit, client)) as usize;
        let shard = &self.shards[hash % SHARDS];
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = Key::Own(limit, client);
        if !shard.whole_at.contains_key(&key) && !shard.make_room(self.max_per_shard, now) {
            key = Key::Shared(limit, hash / SHARDS % self.max_per_shard);
        }

        let used = shard.whole_at.get(&key).map_or(Duration::ZERO, |at| at.duration_since(now));
        let cost = MINUTE / limit.per_minute;
        let after = used + cost;
        let retry_after = after.saturating_sub(MINUTE);
        if !retry_after.is_zero() {
            return Decision { allowed: false, remaining: 0, reset: used, retry_after };
        }
        shard.whole_at.insert(key, now + after);
        let left = MINUTE.saturating_sub(after).as_nanos() / cost.as_nanos();
        let remaining = u32::try_from(left).unwrap_or(u32::MAX);
        Decision { allowed: true, remaining, reset: after, retry_after: Duration::ZERO }
    }
}

impl Shard {
    /// Whether another budget fits. A client whose budget does not shares one with few others: while one
    /// client floods the table with addresses, the others are neither refused nor uncounted.
    fn make_room(&mut self, max: usize, now: Instant) -> bool {
        let swept_lately = self.swept.is_some_and(|at| now.duration_since(at).as_secs() < 1);
        if self.whole_at.len() >= max && !swept_lately {
            self.whole_at.retain(|_, whole_at| *whole_at > now);
            self.swept = Some(now);
        }
        self.whole_at.len() < max
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn per_minute(per_minute: u32) -> Limit {
        Limit { name: "test", per_minute }
    }

    fn client(number: u32) -> Client {
        Client::Address(Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn a_budget_refills_evenly() {
        let (gcra, limit) = (Gcra::new(1000), per_minute(60));
        let start = Instant::now();
        for used in 1..=60 {
            let decision = gcra.take_at(limit, client(1), start);
            assert!(decision.allowed);
            assert_eq!(decision.remaining, 60 - used);
        }
        let refused = gcra.take_at(limit, client(1), start);
        assert!(!refused.allowed);
        assert_eq!(refused.retry_after, Duration::from_secs(1));
        assert_eq!(refused.reset, MINUTE);

        let later = start + refused.retry_after;
        assert!(
            gcra.take_at(limit, client(1), later).allowed,
            "a request is allowed after `retry_after`"
        );
        assert!(!gcra.take_at(limit, client(1), later).allowed, "only one request is allowed");
        assert_eq!(gcra.take_at(limit, client(1), later + 2 * MINUTE).remaining, 59);
    }

    #[test]
    fn clients_have_separate_budgets() {
        let (gcra, limit) = (Gcra::new(1000), per_minute(1));
        let now = Instant::now();
        assert!(gcra.take_at(limit, client(1), now).allowed);
        assert!(!gcra.take_at(limit, client(1), now).allowed);
        assert!(gcra.take_at(limit, client(2), now).allowed);
    }

    #[test]
    fn limits_have_separate_budgets() {
        let (gcra, now) = (Gcra::new(1000), Instant::now());
        let (one, other) = (per_minute(1), Limit { name: "other", per_minute: 1 });
        assert!(gcra.take_at(one, client(1), now).allowed);
        assert!(!gcra.take_at(one, client(1), now).allowed);
        assert!(gcra.take_at(other, client(1), now).allowed);
    }

    #[test]
    fn memory_is_bounded_and_reused() {
        let (gcra, limit) = (Gcra::new(1600), per_minute(60));
        let start = Instant::now();
        let held = || gcra.shards.iter().map(|s| s.lock().unwrap().whole_at.len()).sum::<usize>();
        for number in 0..10_000 {
            assert!(
                gcra.take_at(limit, client(number), start).allowed,
                "a full table refuses no client"
            );
        }
        assert!(held() <= 2 * 1600);
        let newcomer = |_| gcra.take_at(limit, client(10_000), start).allowed;
        // One more than the budget: by chance, no other client shares it.
        assert!((0..61).map(newcomer).any(|allowed| !allowed), "a full table counts newcomers");
        // Enough clients that every shard has some of them.
        for number in 20_000..21_000 {
            gcra.take_at(limit, client(number), start + 2 * MINUTE);
        }
        assert!(held() <= 1000, "idle clients are removed");
    }
}
