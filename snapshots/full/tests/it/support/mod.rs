//! The service under test: in this process with additional test routes, or as the real binary.

pub mod certificates;
pub mod database;
pub mod log;
mod process;
pub mod proxy;
pub mod redis;
pub mod resources;
mod routes;
pub mod spans;
pub mod statements;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect::Policy};
use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    sync::oneshot,
    task::{JoinHandle, yield_now},
    time::timeout,
};

pub use ::demo as service;

pub use process::Process;
#[allow(unused_imports, reason = "for tests of a database")]
pub use process::Run;
pub use routes::Gate;

use service::{
    app,
    config::Config,
    http::{
        problem::Kind,
        server::{Server, Stop},
    },
    state::{AppState, CHECKS},
};

/// Timeout of every wait. Only a test that fails waits this long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Size of a response that exceeds every buffer between service and client.
pub const MORE_THAN_FITS: usize = 50_000_000;

/// Settings for tests: free ports, a rate limit that no test reaches, and servers that are not there.
const DEFAULTS: &[(&str, &str)] = &[
    ("HTTP_ADDR", "127.0.0.1:0"),
    ("METRICS_ADDR", "127.0.0.1:0"),
    ("RATE_LIMIT_PER_MINUTE", "1000000"),
    ("RESPONSE_MEMORY_BYTES", "4294967295"),
    ("HEALTH_CHECK_TIMEOUT", "10s"),
    ("SHUTDOWN_PAUSE", "0s"),
    ("REDIS_URL", "redis://localhost:1"),
    ("CACHE_TIMEOUT", "10s"),
    ("DATABASE_MAX_CONNECTIONS", "2"),
    ("DATABASE_ACQUIRE_TIMEOUT", "10s"),
    ("DATABASE_URL", "postgres://localhost:1/none"),
    ("AUTH_SIGNING_KEYS", "test:dGVzdC10ZXN0LXRlc3QtdGVzdC10ZXN0LXRlc3QtdGVzdC10ZXN0"),
    ("AUTH_RATE_LIMIT_PER_MINUTE", "1000000"),
    ("RETENTION_INTERVAL", "0s"),
];

/// All settings of a service under test, and the resources that belong to it, such as a database.
pub struct Settings {
    all: Vec<(String, String)>,
    pub database: database::Database,
    // Fields of your own:
}

impl Settings {
    /// [`DEFAULTS`], overridden by `others`.
    #[allow(clippy::unused_async, reason = "some configurations await the creation of resources")]
    pub async fn new(others: &[(&str, &str)]) -> Self {
        let mut settings = DEFAULTS.to_vec();
        settings.push(("REDIS_URL", redis::url()));
        settings.push(("CACHE_PREFIX", redis::prefix()));
        let database = database::Database::new().await;
        settings.push(("DATABASE_URL", database.url()));
        settings.extend(others);
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let all = settings.into_iter().map(owned).collect();
        Self {
            all,
            database,
            // Fields of your own:
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The service in this process, with the additional routes of [`routes`].
pub struct TestApp {
    pub addr: SocketAddr,
    pub state: AppState,
    pub gate: Arc<Gate>,
    #[allow(dead_code, reason = "dropping it deletes the resources of the test")]
    pub settings: Settings,
    client: Client,
    stop: Option<oneshot::Sender<Stop>>,
    done: JoinHandle<()>,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts the service with `settings`, which override [`DEFAULTS`].
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        log::install();
        let settings = Settings::new(settings).await;
        let config = Config::load(settings.iter().collect(), CHECKS).unwrap();
        let state = AppState::new(config).await.unwrap();
        let server = Server::bind(state.config.clone()).await.unwrap();
        let addr = server.http_addr().unwrap();

        let gate = Arc::new(Gate::default());
        let own = Router::from(routes::routes(gate.clone()));
        let router = app::with_routes(state.clone(), app::routes(), own);
        let (stop, stopped) = oneshot::channel();
        let service = app::service(&state, router);
        let run = server.run(service, async { stopped.await.unwrap_or(Stop::Now) });
        let done = tokio::spawn(async {
            run.await.unwrap();
        });

        let client = client();
        Self { addr, state, gate, settings, client, stop: Some(stop), done }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path))
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(method.parse().unwrap(), self.url(path))
    }

    /// Sends a request for [`MORE_THAN_FITS`] bytes and reads nothing.
    pub async fn ask_for_more_than_fits(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        let path = format!("/test/bytes/{MORE_THAN_FITS}/text.plain");
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// Waits until some request is in flight, or none.
    pub async fn in_flight(&self, some: bool) {
        let wait = async {
            while (self.state.in_flight.count() > 0) != some {
                yield_now().await;
            }
        };
        timeout(PATIENCE, wait).await.expect("the number of requests in flight changes");
    }

    pub fn stop(&mut self, stop: Stop) {
        self.stop.take().expect("stopped once").send(stop).unwrap();
    }

    pub async fn ended(self) {
        timeout(PATIENCE, self.done).await.expect("the service stops").unwrap();
    }
}

/// A client that follows no redirects.
pub fn client() -> Client {
    // As `main` does; every client but the first finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(Policy::none()).timeout(PATIENCE).build().unwrap()
}

/// Reserves a port without listening on it, until the socket is dropped.
pub fn free_port() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

pub async fn send(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

pub async fn json(request: RequestBuilder) -> Value {
    send(request).await.json().await.unwrap()
}

/// An expected problem: `404`, or `(409, "taken")` if several kinds have the status.
pub struct Expected {
    status: u16,
    kinds: Vec<String>,
}

impl From<u16> for Expected {
    fn from(status: u16) -> Self {
        let kinds = Kind::ALL.iter().filter(|kind| kind.status() == status);
        Self { status, kinds: kinds.map(|kind| kind.uri().to_owned()).collect() }
    }
}

impl From<(u16, &str)> for Expected {
    fn from((status, kind): (u16, &str)) -> Self {
        let blank = kind == "about:blank";
        let kind = if blank { kind.to_owned() } else { format!("/problems/{kind}") };
        Self { status, kinds: vec![kind] }
    }
}

/// Sends the request, expects a complete problem and returns it.
pub async fn problem(request: RequestBuilder, expected: impl Into<Expected>) -> Value {
    let Expected { status, kinds } = expected.into();
    let response = send(request).await;
    assert_eq!(response.status(), StatusCode::from_u16(status).unwrap());
    assert_eq!(header(&response, "content-type"), "application/problem+json");
    let request_id = header(&response, "x-request-id").to_owned();
    let path = response.url().path().to_owned();
    let problem: Value = response.json().await.unwrap();
    assert!(kinds.iter().any(|kind| problem["type"] == **kind), "not of {kinds:?}: {problem}");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["instance"], path);
    assert_eq!(problem["request_id"], request_id);
    for member in ["title", "detail"] {
        assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
    }
    problem
}

/// Returns a header that must be present.
pub fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name).unwrap_or_else(|| panic!("no {name}"));
    value.to_str().unwrap()
}
