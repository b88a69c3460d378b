//! Budgets of this process: the generic cell rate algorithm, with one timestamp for each client.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::Decision;
use crate::http::caller::Client;

/// Enough that two cores rarely wait for each other.
const SHARDS: usize = 16;
const MINUTE: Duration = Duration::from_mins(1);

/// Budgets that refill evenly: a minute without requests refills all of it.
pub struct Gcra {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    /// Requests a minute.
    pub(super) limit: u32,
    max_clients: usize,
}

#[derive(Default)]
struct Shard {
    /// When each client's budget will be full again.
    whole_at: HashMap<Client, Instant>,
    swept: Option<Instant>,
}

impl Gcra {
    /// `limit` requests a minute for each of at most `max_clients` clients.
    pub fn new(limit: u32, max_clients: u32) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            limit,
            max_clients: max_clients as usize / SHARDS,
        }
    }

    /// Takes one request from the client's budget.
    pub fn take(&self, client: Client) -> Decision {
        self.take_at(client, Instant::now())
    }

    fn take_at(&self, client: Client, now: Instant) -> Decision {
        #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
        let shard = self.hasher.hash_one(client) as usize % SHARDS;
        let mut shard = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);

        let used = shard.whole_at.get(&client).map_or(Duration::ZERO, |at| at.duration_since(now));
        let cost = MINUTE / self.limit;
        let after = used + cost;
        let retry_after = after.saturating_sub(MINUTE);
        if !retry_after.is_zero() {
            return Decision { allowed: false, remaining: 0, reset: used, retry_after };
        }
        if shard.make_room(self.max_clients, now) || shard.whole_at.contains_key(&client) {
            shard.whole_at.insert(client, now + after);
        }
        let left = MINUTE.saturating_sub(after).as_nanos() / cost.as_nanos();
        let remaining = u32::try_from(left).unwrap_or(u32::MAX);
        Decision { allowed: true, remaining, reset: after, retry_after: Duration::ZERO }
    }
}

impl Shard {
    /// Whether another client fits. A client that does not is allowed without a budget: better than
    /// refusing all clients while one floods the table with addresses.
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

    fn client(number: u32) -> Client {
        Client::Address(Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn a_budget_refills_evenly() {
        let gcra = Gcra::new(60, 1000);
        let start = Instant::now();
        for used in 1..=60 {
            let decision = gcra.take_at(client(1), start);
            assert!(decision.allowed);
            assert_eq!(decision.remaining, 60 - used);
        }
        let refused = gcra.take_at(client(1), start);
        assert!(!refused.allowed);
        assert_eq!(refused.retry_after, Duration::from_secs(1));
        assert_eq!(refused.reset, MINUTE);

        let later = start + refused.retry_after;
        assert!(gcra.take_at(client(1), later).allowed, "a request is allowed after `retry_after`");
        assert!(!gcra.take_at(client(1), later).allowed, "only one request is allowed");
        assert_eq!(gcra.take_at(client(1), later + 2 * MINUTE).remaining, 59);
    }

    #[test]
    fn clients_have_separate_budgets() {
        let gcra = Gcra::new(1, 1000);
        let now = Instant::now();
        assert!(gcra.take_at(client(1), now).allowed);
        assert!(!gcra.take_at(client(1), now).allowed);
        assert!(gcra.take_at(client(2), now).allowed);
    }

    #[test]
    fn memory_is_bounded_and_reused() {
        let gcra = Gcra::new(60, 1600);
        let start = Instant::now();
        let held = || gcra.shards.iter().map(|s| s.lock().unwrap().whole_at.len()).sum::<usize>();
        for number in 0..10_000 {
            assert!(gcra.take_at(client(number), start).allowed, "a full table refuses no client");
        }
        assert!(held() <= 1600);
        // Enough clients that every shard has some of them.
        for number in 20_000..21_000 {
            gcra.take_at(client(number), start + 2 * MINUTE);
        }
        assert!(held() <= 1000, "idle clients are removed");
    }
}
