//! Connections of clients: their number is bounded, a client that stops reading is cut off, and one
//! that is still sending gets its response.

use std::{
    future::{Ready, ready},
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum_server::accept::Accept;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep},
};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::middleware::drain::InFlight;

/// A client may finish a request that was answered early, as with 413, while it sends: closed at once,
/// the connection would be reset, and the response lost (RFC 9112, 9.6).
const LINGER: Duration = Duration::from_secs(2);

/// The most that such a client may take.
const LINGER_IN_ALL: Duration = Duration::from_secs(30);

/// Accepts connections whose writes are watched.
#[derive(Clone)]
pub struct Watch {
    /// Time that a client may accept no bytes of a response.
    pub write_timeout: Duration,
    /// Counts a response that waits for its client as a request in flight.
    pub in_flight: InFlight,
    /// A place for each connection, up to the limit.
    pub places: Arc<Semaphore>,
}

impl<S> Accept<TcpStream, S> for Watch {
    type Stream = Connection;
    type Service = S;
    type Future = Ready<io::Result<(Connection, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            metrics::counter!("http_connections_refused_total").increment(1);
            return ready(Err(io::ErrorKind::QuotaExceeded.into()));
        };
        // Responses are written whole: Nagle's algorithm would only hold the last packet back.
        let connection = stream.set_nodelay(true).map(|()| {
            let watch = self.clone();
            let (stalled, closing) = (None, None);
            (Connection { stream, watch, stalled, closing, _place: place }, service)
        });
        ready(connection)
    }
}

/// A TCP stream, and whether the client lets it write.
pub struct Connection {
    stream: TcpStream,
    watch: Watch,
    stalled: Option<Stalled>,
    closing: Option<Closing>,
    _place: OwnedSemaphorePermit,
}

struct Closing {
    idle: Pin<Box<Sleep>>,
    end: Instant,
}

struct Stalled {
    limit: Pin<Box<Sleep>>,
    /// Shutdown waits for the rest of the response.
    _in_flight: TaskTrackerToken,
}

impl Connection {
    /// Passes `written` on; fails when the client has accepted no bytes for too long.
    fn progress(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Stalled {
            limit: Box::pin(sleep(self.watch.write_timeout)),
            _in_flight: self.watch.in_flight.token(),
        });
        ready!(stalled.limit.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Reads and discards until the client closes the connection, too.
    fn linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let closing = self.closing.get_or_insert_with(|| Closing {
            idle: Box::pin(sleep(LINGER)),
            end: Instant::now() + LINGER_IN_ALL,
        });
        let mut discarded = [0; 4096];
        loop {
            if closing.idle.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            let mut bytes = ReadBuf::new(&mut discarded);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut bytes));
            if read.is_err() || bytes.filled().is_empty() {
                return Poll::Ready(());
            }
            closing.idle.as_mut().reset(closing.end.min(Instant::now() + LINGER));
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.progress(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.progress(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closing.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        }
        self.linger(context).map(Ok)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, bytes)
    }
}
