//! What a PostgreSQL that fails means to the service.

use std::net::SocketAddr;

use reqwest::StatusCode;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::yield_now,
    time::timeout,
};
use url::Url;

use crate::support::{
    PATIENCE, TestApp, database::Database, problem, send, service::error::AppError,
};

#[tokio::test]
async fn a_statement_that_takes_too_long_is_given_up_by_the_server() {
    let app = TestApp::with(&[("DATABASE_STATEMENT_TIMEOUT", "50ms")]).await;
    let slow = sqlx::query("SELECT pg_sleep(3600)").execute(&app.state.db).await;
    assert_eq!(AppError::from(slow.unwrap_err()).status(), StatusCode::GATEWAY_TIMEOUT);
}

#[tokio::test]
async fn a_database_that_goes_makes_the_service_unready_until_it_is_back() {
    let database = Database::new().await;
    let wire = Wire::to(&database).await;
    let settings = [("DATABASE_URL", &*wire.url), ("DATABASE_ACQUIRE_TIMEOUT", "500ms")];
    let app = TestApp::with(&settings).await;
    assert_eq!(send(app.get("/health/ready")).await.status(), StatusCode::OK);

    wire.cut();
    problem(app.get("/health/ready"), 503).await;
    assert_eq!(send(app.get("/health/live")).await.status(), StatusCode::OK);
    let gone = sqlx::query("SELECT 1").execute(&app.state.db).await;
    assert_eq!(AppError::from(gone.unwrap_err()).status(), StatusCode::SERVICE_UNAVAILABLE);

    wire.mend();
    let wait = async {
        while send(app.get("/health/ready")).await.status() != StatusCode::OK {
            yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it recovers by itself");
}

#[tokio::test]
async fn a_database_that_is_down_at_the_start_is_waited_for() {
    let database = Database::new().await;
    let wire = Wire::to(&database).await;
    wire.cut();
    let settings = [("DATABASE_URL", &*wire.url), ("DATABASE_ACQUIRE_TIMEOUT", "500ms")];
    let app = TestApp::with(&settings).await;
    problem(app.get("/health/ready"), 503).await;
    wire.mend();
    let wait = async {
        while send(app.get("/health/ready")).await.status() != StatusCode::OK {
            yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it becomes ready by itself");
}

/// The way to a database, which can be cut.
struct Wire {
    url: String,
    whole: watch::Sender<bool>,
}

impl Wire {
    async fn to(database: &Database) -> Self {
        let mut url: Url = database.url().parse().unwrap();
        let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let SocketAddr::V4(addr) = listener.local_addr().unwrap() else { panic!("bound to IPv4") };
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(addr.port())).unwrap();
        let (whole, state) = watch::channel(true);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(carry(client, server.clone(), state.clone()));
            }
        });
        Self { url: url.into(), whole }
    }

    /// Ends every connection that passes, and each that comes.
    fn cut(&self) {
        self.whole.send_replace(false);
    }

    fn mend(&self) {
        self.whole.send_replace(true);
    }
}

async fn carry(mut client: TcpStream, server: String, mut whole: watch::Receiver<bool>) {
    if !*whole.borrow() {
        return;
    }
    let mut server = TcpStream::connect(server).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = whole.wait_for(|whole| !whole) => {}
    }
}
