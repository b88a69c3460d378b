//! rel.timeout: every request has a deadline, and an idle or slow connection is closed.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{MORE_THAN_FITS, PATIENCE, TestApp, problem};

/// Sends only `bytes`; returns everything received until the connection is closed.
async fn answer(addr: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .expect("the connection is closed")
        .unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_slow_handler_gets_504() {
    let app = TestApp::with(&[("REQUEST_TIMEOUT", "50ms")]).await;
    problem(app.get("/test/never"), (504, "timed-out")).await;
}

/// The client is at fault: a 5xx would raise an alert.
#[tokio::test]
async fn a_body_that_never_arrives_gets_408() {
    for setting in ["REQUEST_TIMEOUT", "BODY_READ_TIMEOUT"] {
        let app = TestApp::with(&[(setting, "500ms")]).await;
        let head = "POST /test/orders HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n";
        let head = format!("{head}content-type: application/json\r\n\r\n{{");
        let answer = answer(app.addr, &head).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{setting}: {answer}");
    }
}

#[tokio::test]
async fn a_connection_with_an_incomplete_header_is_closed() {
    let app = TestApp::with(&[("HEADER_READ_TIMEOUT", "50ms")]).await;
    answer(app.addr, "GET / HTTP/1.1\r\nhost:").await;
    answer(app.addr, "").await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let app = TestApp::with(&[("KEEP_ALIVE_TIMEOUT", "500ms")]).await;
    let answer = answer(app.addr, "GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn the_connection_of_a_client_that_stops_reading_is_closed() {
    let app = TestApp::with(&[("WRITE_TIMEOUT", "100ms")]).await;
    let mut stream = app.ask_for_more_than_fits().await;
    app.in_flight(true).await;
    app.in_flight(false).await;
    let mut answer = Vec::new();
    // Bytes in the socket buffers still arrive; the rest never does.
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.len() < MORE_THAN_FITS);
}
