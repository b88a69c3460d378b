//! Leases of sessions: after it has asked about a session, this process need not ask again for a moment.
//!
//! A lease begins with the question, not with its answer. A request that ends sessions is answered when
//! the leases of all processes have [`expired`], so that none accepts them from then on.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{recent::Recent, users::Role};

/// How long a lease lasts.
const LEASE: Duration = Duration::from_millis(250);

/// Longer than a lease, even by the slower clock of another host.
const EXPIRED: Duration = Duration::from_millis(300);

/// The leases of this process.
#[derive(Default)]
pub struct Leases(Recent<Uuid, Lease>);

#[derive(Clone, Copy)]
struct Lease {
    role: Role,
    until: Instant,
}

impl Leases {
    /// Role of the account of a session that is active, as far as is known at `now`.
    pub fn role(&self, session: Uuid, now: Instant) -> Option<Role> {
        let lease = self.0.get(&session)?;
        (now < lease.until).then_some(lease.role)
    }

    /// Keeps an answer to a question of the time `asked`.
    pub fn keep(&self, session: Uuid, role: Role, asked: Instant) {
        self.0.keep(session, Lease { role, until: asked + LEASE });
    }
}

/// Ends when no lease is left, in any process, of a question that was asked before.
pub async fn expired() {
    tokio::time::sleep(EXPIRED).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_begins_with_the_question_and_ends_before_a_change_is_answered() {
        let (leases, session, asked) = (Leases::default(), Uuid::now_v7(), Instant::now());
        leases.keep(session, Role::User, asked);
        assert_eq!(leases.role(session, asked), Some(Role::User));
        assert_eq!(leases.role(Uuid::now_v7(), asked), None, "another session has none");
        // A question that was asked before a change ended.
        let slow_clock = EXPIRED.mul_f64(0.9);
        assert_eq!(leases.role(session, asked + slow_clock), None);
    }
}
