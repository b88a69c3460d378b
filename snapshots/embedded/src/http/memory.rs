//! Memory for bodies, of which one network gets a part.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A number of bytes. One network gets a quarter of them: clients that stall would keep the others out.
/// Clones share them.
#[derive(Clone, Debug)]
pub struct Memory {
    bytes: Arc<Semaphore>,
    all: usize,
    most: usize,
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// What one network holds of a [`Memory`]; dropping it gives it back.
pub struct Held {
    memory: Memory,
    network: IpAddr,
    permit: Option<OwnedSemaphorePermit>,
}

impl Memory {
    /// `bytes` in all; a network gets enough for a body of the `largest` size.
    pub fn new(bytes: u32, largest: u32) -> Self {
        let (bytes, largest) = (bytes as usize, largest as usize);
        Self {
            bytes: Arc::new(Semaphore::new(bytes)),
            all: bytes,
            // With the memory of its pieces.
            most: (bytes / 4).max(largest / 8 * 9),
            held: Arc::default(),
        }
    }

    /// Nothing yet, of what `network` may hold.
    pub fn of(&self, network: IpAddr) -> Held {
        Held { memory: self.clone(), network, permit: None }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Takes `bytes` more; `false` where there are too few, or the network has its part. One body may be
    /// larger than that.
    pub fn take(&mut self, bytes: usize) -> bool {
        let bytes = bytes.min(self.memory.all);
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        let Ok(more) = self.memory.bytes.clone().try_acquire_many_owned(permits) else {
            return false;
        };
        {
            let mut held = self.memory.held();
            let total = held.entry(self.network).or_default();
            if *total > 0 && *total + bytes > self.memory.most {
                return false;
            }
            *total += bytes;
        }
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let bytes = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if let Entry::Occupied(mut total) = self.memory.held().entry(self.network) {
            *total.get_mut() -= bytes;
            if *total.get() == 0 {
                total.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_network_gets_a_quarter_and_gives_it_back() {
        let memory = Memory::new(100, 16);
        let [one, other] = [1, 2].map(|last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
        let (mut first, mut second) = (memory.of(one), memory.of(one));
        assert!(first.take(20) && !second.take(6) && second.take(5) && !first.take(1));
        assert!(memory.of(other).take(25));
        drop(first);
        assert!(second.take(20));
        drop(second);
        assert!(memory.held().is_empty(), "networks that hold nothing take no memory");
        assert_eq!(memory.bytes.available_permits(), 100);
    }

    #[test]
    fn a_body_of_the_largest_size_fits() {
        let mut held = Memory::new(2048, 1024).of(IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert!(held.take(600) && held.take(424 + 64));
        drop(held);
        assert!(Memory::new(100, 0).of(IpAddr::V4(Ipv4Addr::LOCALHOST)).take(1000));
    }
}
