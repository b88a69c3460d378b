//! Sheds load: refuses requests beyond a limit before they cost anything.

use std::{
    mem,
    net::IpAddr,
    ops::ControlFlow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    response::{IntoResponse, Response},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::around::Middleware;
use crate::{
    config::Config,
    error::Error,
    http::{
        body::watched,
        caller::Caller,
        memory::{self, Memory},
    },
    telemetry::metrics,
};

/// Memory of a piece of a body beside its bytes: a body may arrive byte by byte.
const PIECE: usize = 64;

/// Answers 503 to requests for which no place or no memory is left. Probes do not pass here: a busy
/// service is alive.
///
/// A place is for the time that the handler runs. A client that is slow to send its body, or to read
/// its response, has a connection and no place.
#[derive(Clone, Debug)]
pub struct Shed {
    places: Arc<Semaphore>,
    memory: Memory,
}

impl Shed {
    /// `MAX_REQUESTS_IN_FLIGHT` places, and `BODY_MEMORY_BYTES` of memory.
    pub fn new(config: &Config) -> Self {
        Self {
            places: Arc::new(Semaphore::new(config.max_requests_in_flight as usize)),
            memory: Memory::new(config.body_memory_bytes, config.body_limit_bytes),
        }
    }
}

impl Middleware for Shed {
    type Kept = Arc<Held>;

    fn before(&self, request: &mut Request) -> ControlFlow<Response, Arc<Held>> {
        let network = Caller::of(request).network();
        let held = Arc::new(Held { shed: self.clone(), network, taken: Mutex::default() });
        if !held.taken().enter(self) {
            return ControlFlow::Break(refuse());
        }
        let body = mem::take(request.body_mut());
        *request.body_mut() = held.clone().count(body);
        ControlFlow::Continue(held)
    }

    fn after(held: Arc<Held>, response: Response) -> Response {
        // A handler may have made any response of a body that was cut off.
        if mem::take(&mut *held.taken()).refused { refuse() } else { response }
    }
}

fn refuse() -> Response {
    metrics::request_shed();
    Error::Overloaded.into_response()
}

/// A request and its part of [`Shed`].
pub struct Held {
    shed: Shed,
    network: IpAddr,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    place: Option<OwnedSemaphorePermit>,
    memory: Option<memory::Held>,
    refused: bool,
}

impl Held {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body, which takes memory for what has arrived, and gives the place away while it waits.
    fn count(self: Arc<Self>, body: Body) -> Body {
        watched(body, move |_, piece| {
            let mut taken = self.taken();
            let Poll::Ready(piece) = piece else {
                taken.place = None;
                return Poll::Pending;
            };
            let size = piece.as_ref().and_then(|piece| piece.as_ref().ok()).map(Bytes::len);
            taken.refused =
                !(taken.enter(&self.shed) && taken.keep(&self.shed, self.network, size));
            Poll::Ready(if taken.refused { Some(Err(Error::Overloaded.into())) } else { piece })
        })
    }
}

impl Taken {
    /// Takes a place, or keeps the one that it has.
    fn enter(&mut self, shed: &Shed) -> bool {
        if self.place.is_none() {
            self.place = shed.places.clone().try_acquire_owned().ok();
        }
        self.place.is_some()
    }

    /// Takes memory for a piece of the body.
    fn keep(&mut self, shed: &Shed, network: IpAddr, size: Option<usize>) -> bool {
        let memory = self.memory.get_or_insert_with(|| shed.memory.of(network));
        size.is_none_or(|size| memory.take(size + PIECE))
    }
}
