//! rel.shutdown, perf.jobs, deploy.rolling: a shutdown loses no request and no background task.

use std::{
    future::pending,
    net::{Ipv4Addr, SocketAddr},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Wake},
};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request, routing::get};
use futures_util::FutureExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Notify, oneshot},
    task::{JoinSet, yield_now},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::support::{
    MORE_THAN_FITS, Process, Settings, TestApp, client, header, log, problem, send,
    service::{
        app,
        background::Background,
        config::Config,
        http::server::{Server, Service, Stop},
        state::{AppState, CHECKS},
    },
};

#[tokio::test]
async fn shutdown_turns_readiness_off_first_and_finishes_requests_in_flight() {
    let mut app = TestApp::with(&[("SHUTDOWN_PAUSE", "2s")]).await;
    let in_flight = tokio::spawn(send(app.get("/test/gate")));
    app.gate.entered().await;
    app.stop(Stop::Orderly);
    // The service still listens during the pause.
    while send(app.get("/health/ready")).await.status() != 503 {}
    problem(app.get("/health/ready"), (503, "stopping")).await;
    assert_eq!(send(app.get("/health/live")).await.status(), 200);

    app.gate.open();
    let response = in_flight.await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "connection"), "close");
    let live = app.get("/health/live");
    app.ended().await;
    assert!(live.send().await.is_err(), "the port is closed");
}

#[tokio::test]
async fn shutdown_waits_for_background_tasks() {
    let settings = Settings::new(&[]).await;
    let config = Config::load(settings.iter().collect(), CHECKS).unwrap();
    let state = AppState::new(config).await.unwrap();
    let server = Server::bind(state.config.clone()).await.unwrap();
    let finished = Arc::new(AtomicBool::new(false));
    state.background.spawn(end_slowly(state.background.stopping(), finished.clone()));
    let (closing, closed) = oneshot::channel();
    let close = async move { closing.send(finished.load(Ordering::SeqCst)).unwrap() };
    let service = app::service(&state, app::app(state.clone()));
    let service = Service { close: Box::pin(close), ..service };
    server.run(service, async { Stop::Now }).await.unwrap();
    assert!(closed.await.unwrap(), "before the service closes what tasks may need");
}

/// A task that needs some time after the service begins to stop.
async fn end_slowly(stopping: CancellationToken, finished: Arc<AtomicBool>) {
    stopping.cancelled().await;
    for _ in 0..100 {
        yield_now().await;
    }
    finished.store(true, Ordering::SeqCst);
}

/// Requests are cut before the end of the grace period.
#[tokio::test]
async fn after_requests_are_cut_background_tasks_have_time_to_end() {
    let mut app = TestApp::with(&[("SHUTDOWN_GRACE", "20s")]).await;
    let finished = Arc::new(AtomicBool::new(false));
    let background = &app.state.background;
    background.spawn(end_slowly(background.stopping(), finished.clone()));
    let in_flight = tokio::spawn(app.get("/test/gate").send());
    app.gate.entered().await;
    tokio::time::pause();
    app.stop(Stop::Now);
    app.ended().await;
    assert!(finished.load(Ordering::SeqCst));
    assert!(in_flight.await.unwrap().is_err());
}

/// What a cut request owes, as its log line, is done when the parts of the service close.
#[tokio::test]
async fn requests_that_are_cut_end_before_the_service_closes() {
    log::install();
    let settings = Settings::new(&[("SHUTDOWN_GRACE", "20s")]).await;
    let config = Config::load(settings.iter().collect(), CHECKS).unwrap();
    let state = AppState::new(config).await.unwrap();
    let server = Server::bind(state.config.clone()).await.unwrap();
    let url = format!("http://{}/test/held", server.http_addr().unwrap());
    let entered = Arc::new(Notify::new());
    let enters = entered.clone();
    let handler = async move || {
        enters.notify_one();
        pending::<()>().await;
    };
    let own = Router::new().route("/test/held", get(handler));
    let router = app::with_routes(state.clone(), app::routes(), own);
    let (closing, closed) = oneshot::channel();
    let close = async move { closing.send(log::about("cut-2")).unwrap() };
    // Without background tasks, nothing else gives the requests time to end.
    let (close, background) = (Box::pin(close), Background::default());
    let service = Service { close, background, ..app::service(&state, router) };
    let cut = tokio::spawn(client().get(url).header("x-request-id", "cut-2").send());
    let stop = async move {
        entered.notified().await;
        tokio::time::pause();
        Stop::Now
    };
    server.run(service, stop).await.unwrap();
    assert_eq!(closed.await.unwrap()[0]["status"], 499);
    assert!(cut.await.unwrap().is_err());
}

/// Notes whether the request `cut-1` was in the log when no request was left in flight.
#[derive(Default)]
struct LoggedBefore(AtomicBool);

impl Wake for LoggedBefore {
    fn wake(self: Arc<Self>) {
        self.0.store(!log::about("cut-1").is_empty(), Ordering::SeqCst);
    }
}

/// The process may end as soon as none is in flight.
#[tokio::test]
async fn a_request_is_in_flight_until_it_is_logged() {
    let app = TestApp::start().await;
    let (state, peer) = (app.state.clone(), SocketAddr::from((Ipv4Addr::LOCALHOST, 1)));
    let own = Router::new().route("/test/pending", get(pending::<()>));
    let router = app::with_routes(state.clone(), app::routes(), own);
    let request = Request::get("/test/pending").header("x-request-id", "cut-1");
    let request = request.extension(ConnectInfo(peer)).body(Body::empty());
    let mut response = Box::pin(router.oneshot(request.unwrap()));
    assert!((&mut response).now_or_never().is_none());

    state.in_flight.close();
    let logged = Arc::new(LoggedBefore::default());
    let (mut none_left, waker) = (pin!(state.in_flight.wait()), logged.clone().into());
    assert!(none_left.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(response);
    assert!(logged.0.load(Ordering::SeqCst));
}

#[tokio::test]
async fn after_the_grace_period_requests_are_cut() {
    let mut app = TestApp::with(&[("SHUTDOWN_GRACE", "200ms")]).await;
    let in_flight = tokio::spawn(app.get("/test/gate").send());
    app.gate.entered().await;
    app.stop(Stop::Orderly);
    app.ended().await;
    assert!(in_flight.await.unwrap().is_err());
}

#[tokio::test]
async fn shutdown_waits_until_a_response_is_sent() {
    let settings = [("SHUTDOWN_GRACE", "1h"), ("HEADER_READ_TIMEOUT", "500ms")];
    let mut app = TestApp::with(&settings).await;
    let mut stream = app.ask_for_more_than_fits().await;
    app.in_flight(true).await;
    app.stop(Stop::Now);
    while TcpStream::connect(app.addr).await.is_ok() {}
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.len() > MORE_THAN_FITS);
    app.ended().await;
}

/// With `axum::serve`, such a connection delays the shutdown without limit (axum#3478).
#[tokio::test]
async fn an_incomplete_header_does_not_delay_shutdown() {
    let settings = [("SHUTDOWN_GRACE", "1h"), ("HEADER_READ_TIMEOUT", "500ms")];
    let mut app = TestApp::with(&settings).await;
    let mut stream = TcpStream::connect(app.addr).await.unwrap();
    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost:").await.unwrap();
    send(app.get("/health/live")).await;
    app.stop(Stop::Orderly);
    app.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_loses_no_request() {
    let service = Process::start(&[("SHUTDOWN_PAUSE", "1s")]).await;
    let (url, ready) = (
        format!("http://{}/api/v1/info", service.addr),
        format!("http://{}/health/ready", service.addr),
    );
    let unready = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicUsize::new(0));
    let mut load = JoinSet::new();
    for _ in 0..8 {
        let (client, url) = (client(), url.clone());
        let (unready, served) = (unready.clone(), served.clone());
        load.spawn(async move {
            // As a load balancer: until readiness fails.
            while !unready.load(Ordering::SeqCst) {
                let response = client.get(&url).send().await.expect("no request fails");
                assert_eq!(response.status(), 200);
                response.bytes().await.expect("no response is cut");
                served.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    while served.load(Ordering::SeqCst) < 100 {
        yield_now().await;
    }
    service.signal("TERM").await;
    let probe = client();
    while probe.get(&ready).send().await.expect("still listening").status() != 503 {}
    unready.store(true, Ordering::SeqCst);
    load.join_all().await;
    assert_eq!(service.ended().await.0, Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let mut service = Process::start(&[("SHUTDOWN_PAUSE", "1h"), ("SHUTDOWN_GRACE", "2h")]).await;
    service.signal("INT").await;
    assert_eq!(service.log_line().await.unwrap()["message"], "stopping");
    service.signal("TERM").await;
    assert_eq!(service.ended().await.0, Some(143));
}

#[tokio::test]
async fn in_development_an_interrupt_skips_the_pause() {
    let settings = [("APP_ENV", "development"), ("SHUTDOWN_PAUSE", "1h"), ("SHUTDOWN_GRACE", "2h")];
    let service = Process::start(&settings).await;
    service.signal("INT").await;
    assert_eq!(service.ended().await.0, Some(0));
}
