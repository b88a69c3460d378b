//! Listening, and stopping without losing a request.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use axum_server::Handle;
use futures_util::future::BoxFuture;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::Semaphore,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout_at},
};

use super::{connection::Watch, health::Health, middleware::drain::InFlight};
use crate::{
    background::Background,
    config::{AppEnv, Config},
    error::Cause,
};

/// Size of the largest head of a request, and of each buffer of a connection.
const BUFFER_BYTES: usize = 16 * 1024;

/// Longest part of the grace period that is kept for what follows the requests; a tenth of a short one.
const SPARE: Duration = Duration::from_secs(2);

/// Both listeners, bound and not yet served.
pub struct Server {
    config: Arc<Config>,
    http: TcpListener,
    metrics: TcpListener,
}

/// The service to run.
pub struct Service {
    /// The API and everything beside it.
    pub app: Router,
    /// The metrics and the probes, which no flood of clients can keep from answering.
    pub management: Router,
    /// Readiness, which ends first.
    pub health: Arc<Health>,
    /// Requests to wait for.
    pub in_flight: InFlight,
    /// Tasks to wait for.
    pub background: Background,
    /// Closes what the service holds open, once nothing needs it any more.
    pub close: BoxFuture<'static, ()>,
}

/// Why the service stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// An orchestrator stops the service, and needs time to route requests to other replicas.
    Orderly,
    /// A developer stops the service at a terminal.
    Now,
}

impl Server {
    /// Binds both ports.
    ///
    /// # Errors
    /// A port is in use, or the process may not bind it.
    pub async fn bind(config: Arc<Config>) -> io::Result<Self> {
        let http = listen("HTTP_ADDR", config.http_addr).await?;
        let metrics = listen("METRICS_ADDR", config.metrics_addr).await?;
        Ok(Self { config, http, metrics })
    }

    /// Address of the API.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn http_addr(&self) -> io::Result<SocketAddr> {
        self.http.local_addr()
    }

    /// Serves `service` until `stop`, then drains. Returns the end of `SHUTDOWN_GRACE`, and no later
    /// than it.
    ///
    /// # Errors
    /// A listener failed.
    pub async fn run(
        self,
        service: Service,
        stop: impl Future<Output = Stop>,
    ) -> io::Result<Instant> {
        let Self { config, http, metrics } = self;
        let Service { app, management, health, in_flight, background, close } = service;
        tracing::info!(
            http_addr = %http.local_addr()?,
            metrics_addr = %metrics.local_addr()?,
            version = env!("CARGO_PKG_VERSION"),
            "listening"
        );
        let (http_handle, mut http_done) = serve(http, app, &in_flight, &config);
        let (metrics_handle, metrics_done) = serve(metrics, management, &in_flight, &config);

        let stop = tokio::select! {
            stop = stop => stop,
            ended = &mut http_done => return flatten(ended).map(|()| Instant::now()),
        };
        let deadline = Instant::now() + config.shutdown_grace;
        // For tasks, and for `close`.
        let spare = (config.shutdown_grace / 10).min(SPARE);
        tracing::info!(?stop, "stopping");
        health.drain();
        in_flight.close();
        if stop == Stop::Orderly {
            sleep(config.shutdown_pause).await;
        }

        http_handle.graceful_shutdown(None);
        tokio::select! {
            ended = &mut http_done => flatten(ended)?,
            () = idle(&in_flight, config.header_read_timeout) => {}
            () = sleep_until(deadline - spare) => {
                tracing::warn!(requests = in_flight.count(), "grace period over, requests cut");
            }
        }
        http_handle.shutdown();
        // Requests that were cut leave work to the background, and to `close`, as they end.
        let _ = timeout_at(deadline - spare / 2, in_flight.wait()).await;

        let left = background.finish(deadline - spare / 2).await;
        if left > 0 {
            tracing::warn!(tasks = left, "grace period over, tasks cut");
        }
        let _ = timeout_at(deadline, close).await;
        // Last, so that the drain can be watched.
        metrics_handle.shutdown();
        let _ = timeout_at(deadline, metrics_done).await;
        Ok(deadline)
    }
}

async fn listen(name: &str, addr: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(addr).await;
    listener.map_err(|error| io::Error::new(error.kind(), format!("{name}={addr}: {error}")))
}

fn serve(
    listener: TcpListener,
    app: Router,
    in_flight: &InFlight,
    config: &Config,
) -> (Handle<SocketAddr>, JoinHandle<io::Result<()>>) {
    let handle = Handle::new();
    let mut server = axum_server::Server::<SocketAddr>::from_listener(listener)
        .handle(handle.clone())
        .acceptor(Watch {
            write_timeout: config.write_timeout,
            in_flight: in_flight.clone(),
            places: Arc::new(Semaphore::new(places(config))),
        })
        // HTTP/2 is for the proxy in front: here it would be one more protocol to bound.
        .http1_only()
        .first_request_timeout(config.header_read_timeout)
        // Out of file descriptors, mostly; the server backs off and tries again. Connections beyond the
        // limit are counted: a flood of them would fill the log.
        .accept_error_handler(|_, error| {
            if error.kind() != io::ErrorKind::QuotaExceeded {
                tracing::warn!(%error, "a connection was not accepted");
            }
        });
    // hyper's timer for a header also runs while a connection is idle.
    let timeout = config.keep_alive_timeout;
    server.http_builder().http1().header_read_timeout(timeout).max_buf_size(BUFFER_BYTES);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    #[expect(clippy::disallowed_methods, reason = "it ends by its handle")]
    let done = tokio::spawn(server.serve(app));
    (handle, done)
}

/// `MAX_CONNECTIONS`, or fewer where the process may not open as many files: a quarter of them is for
/// everything but clients.
fn places(config: &Config) -> usize {
    // The soft limit is often 1,024, for programs that use select(2).
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
    let places = usize::try_from(files / 4 * 3).unwrap_or(usize::MAX);
    places.min(config.max_connections as usize)
}

/// Ends once no request has been in flight, and no response unread, for `header_read_timeout`.
///
/// A connection with half a header on it never ends by itself, and would hold the drain.
async fn idle(in_flight: &InFlight, header_read_timeout: Duration) {
    loop {
        in_flight.wait().await;
        sleep(header_read_timeout).await;
        if in_flight.count() == 0 {
            return;
        }
    }
}

fn flatten(ended: Result<io::Result<()>, tokio::task::JoinError>) -> io::Result<()> {
    ended.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

/// Waits for SIGTERM or SIGINT. A second signal ends the process at once.
///
/// # Errors
/// The handlers cannot be installed.
pub fn signals(config: &Config) -> io::Result<impl Future<Output = Stop> + use<>> {
    let mut signals = Signals::new()?;
    let development = config.app_env == AppEnv::Development;
    let at_terminal = io::IsTerminal::is_terminal(&io::stdin());
    Ok(async move {
        let interrupted = signals.next().await == SignalKind::interrupt();
        #[expect(clippy::disallowed_methods, reason = "it ends with the process")]
        tokio::spawn(async move {
            let second = signals.next().await;
            std::process::exit(Interrupted(second).code().into());
        });
        if interrupted && (development || at_terminal) { Stop::Now } else { Stop::Orderly }
    })
}

/// A signal has ended a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ended by signal {}", .0.as_raw_value())]
pub struct Interrupted(SignalKind);

impl Interrupted {
    /// The exit code, as shells report a process that a signal has ended.
    pub fn code(self) -> u8 {
        u8::try_from(128 + self.0.as_raw_value()).unwrap_or(u8::MAX)
    }
}

/// Waits for SIGTERM or SIGINT: why a command has to end, as an [`Interrupted`]. The first process of a
/// container gets only signals that it handles.
pub async fn interrupted() -> Cause {
    match Signals::new() {
        Ok(mut signals) => Interrupted(signals.next().await).into(),
        Err(error) => error.into(),
    }
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
        }
    }
}
