//! Listening, and stopping without losing a request.

use std::{io, net::SocketAddr, sync::Arc};

use axum::Router;
use axum_server::Handle;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::Semaphore,
    task::JoinHandle,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    config::{AppEnv, Config},
    connection::Watch,
    state::AppState,
    telemetry,
};

/// Both listeners, bound but not served yet.
pub struct Server {
    state: AppState,
    http: TcpListener,
    metrics: TcpListener,
}

/// Why the service stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// By an orchestrator, which needs a moment to send requests elsewhere.
    Orderly,
    /// By somebody who waits at a keyboard.
    Now,
}

impl Server {
    /// Takes the ports.
    ///
    /// # Errors
    /// A port is in use, or not this process's to take.
    pub async fn bind(state: AppState) -> io::Result<Self> {
        let http = listen("HTTP_ADDR", state.config.http_addr).await?;
        let metrics = listen("METRICS_ADDR", state.config.metrics_addr).await?;
        Ok(Self { state, http, metrics })
    }

    /// Where the API listens.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn http_addr(&self) -> io::Result<SocketAddr> {
        self.http.local_addr()
    }

    /// Serves `app` until `stop`, then drains. Returns when `SHUTDOWN_GRACE` will be over, at the
    /// latest by then.
    ///
    /// # Errors
    /// A listener failed.
    pub async fn run(self, app: Router, stop: impl Future<Output = Stop>) -> io::Result<Instant> {
        let Self { state, http, metrics } = self;
        let config = &state.config;
        tracing::info!(
            http_addr = %http.local_addr()?,
            metrics_addr = %metrics.local_addr()?,
            version = env!("CARGO_PKG_VERSION"),
            "listening"
        );
        let (http_handle, mut http_done) = serve(http, app, &state);
        let metrics_app = telemetry::metrics::app(state.clone());
        let (metrics_handle, metrics_done) = serve(metrics, metrics_app, &state);

        let stop = tokio::select! {
            stop = stop => stop,
            ended = &mut http_done => return flatten(ended).map(|()| Instant::now()),
        };
        let deadline = Instant::now() + config.shutdown_grace;
        tracing::info!(?stop, "stopping");
        state.health.drain();
        if stop == Stop::Orderly {
            sleep(config.shutdown_pause).await;
        }

        http_handle.graceful_shutdown(None);
        tokio::select! {
            ended = &mut http_done => flatten(ended)?,
            () = idle(&state) => {}
            () = tokio::time::sleep_until(deadline) => {
                tracing::warn!(requests = state.requests.len(), "grace period over, requests cut");
            }
        }
        http_handle.shutdown();

        let left = state.background.finish(deadline).await;
        if left > 0 {
            tracing::warn!(tasks = left, "grace period over, tasks cut");
        }
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
    state: &AppState,
) -> (Handle<SocketAddr>, JoinHandle<io::Result<()>>) {
    let config = &state.config;
    let handle = Handle::new();
    let requests = state.requests.clone();
    let mut server = axum_server::Server::<SocketAddr>::from_listener(listener)
        .handle(handle.clone())
        .acceptor(Watch {
            write_timeout: config.write_timeout,
            requests,
            places: Arc::new(Semaphore::new(config.max_connections as usize)),
        })
        // HTTP/2 is for the proxy in front: here it would be one more protocol to bound.
        .http1_only()
        .first_request_timeout(config.header_read_timeout)
        // Out of file descriptors, mostly; the server backs off and tries again.
        .accept_error_handler(|_, error| tracing::warn!(%error, "a connection was not accepted"));
    // hyper's timer for a header also runs while a connection is idle.
    server.http_builder().http1().header_read_timeout(config.keep_alive_timeout);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    #[expect(clippy::disallowed_methods, reason = "it ends by its handle")]
    let done = tokio::spawn(server.serve(app));
    (handle, done)
}

/// Ends once no request has been in flight, and no response unread, for as long as a client may
/// take to send a header.
///
/// A connection with half a header on it never ends by itself, and would hold the drain.
async fn idle(state: &AppState) {
    state.requests.close();
    loop {
        state.requests.wait().await;
        sleep(state.config.header_read_timeout).await;
        if state.requests.is_empty() {
            return;
        }
    }
}

fn flatten(ended: Result<io::Result<()>, tokio::task::JoinError>) -> io::Result<()> {
    ended.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

/// Waits for SIGTERM or SIGINT. A second one ends the process on the spot.
///
/// # Errors
/// The handlers cannot be installed.
pub fn signals(config: &Config) -> io::Result<impl Future<Output = Stop> + use<>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let development = config.app_env == AppEnv::Development;
    let at_terminal = io::IsTerminal::is_terminal(&io::stdin());
    Ok(async move {
        let interrupted = tokio::select! {
            _ = terminate.recv() => false,
            _ = interrupt.recv() => true,
        };
        #[expect(clippy::disallowed_methods, reason = "it ends with the process")]
        tokio::spawn(async move {
            let signal = tokio::select! {
                _ = terminate.recv() => SignalKind::terminate(),
                _ = interrupt.recv() => SignalKind::interrupt(),
            };
            // As shells report a process that a signal has ended.
            std::process::exit(128 + signal.as_raw_value());
        });
        if interrupted && (development || at_terminal) { Stop::Now } else { Stop::Orderly }
    })
}
