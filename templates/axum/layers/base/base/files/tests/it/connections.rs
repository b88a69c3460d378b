//! sec.connections: connections and requests beyond a limit are refused at once; others are served.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{PATIENCE, Process, TestApp, client, header, problem, send};

#[tokio::test]
async fn requests_beyond_the_limit_are_refused_and_probes_are_not() {
    let app = TestApp::with(&[("MAX_REQUESTS_IN_FLIGHT", "2")]).await;
    let held = [(); 2].map(|()| tokio::spawn(send(app.get("/test/gate"))));
    for _ in &held {
        app.gate.entered().await;
    }
    let refused = send(app.get("/api/v1/info")).await;
    assert_eq!((refused.status().as_u16(), header(&refused, "retry-after")), (503, "1"));
    problem(app.get("/nowhere"), (503, "overloaded")).await;
    assert_eq!(send(app.get("/health/live")).await.status(), 200);
    for _ in &held {
        app.gate.open();
    }
    for held in held {
        assert_eq!(held.await.unwrap().status(), 200);
    }
    app.in_flight(false).await;
    assert_eq!(send(app.get("/api/v1/info")).await.status(), 200);
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_closed_until_another_one_ends() {
    let app = Process::start(&[("MAX_CONNECTIONS", "3"), ("LOG_FORMAT", "json")]).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(app.addr).await.unwrap();
        live(&mut stream).await.expect("an open connection");
        held.push(stream);
    }
    let mut stream = TcpStream::connect(app.addr).await.unwrap();
    assert!(live(&mut stream).await.is_none(), "a fourth connection is open");
    let management = format!("http://{}/health/live", app.metrics_addr);
    assert_eq!(send(client().get(management)).await.status(), 200);
    drop(held.pop());
    let again = async {
        loop {
            let mut stream = TcpStream::connect(app.addr).await.unwrap();
            if live(&mut stream).await.is_some() {
                break;
            }
        }
    };
    timeout(PATIENCE, again).await.expect("a connection is accepted after another one has ended");
}

#[tokio::test]
async fn hundreds_of_incomplete_headers_do_not_delay_other_clients() {
    let app = Process::start(&[("LOG_FORMAT", "json")]).await;
    let mut slow = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(app.addr).await.unwrap();
        stream.write_all(b"GET /api/v1/info HTTP/1.1\r\nhost:").await.unwrap();
        slow.push(stream);
    }
    for _ in 0..20 {
        assert_eq!(send(app.get("/api/v1/info")).await.status(), 200);
    }
}

/// Sends a request and keeps the connection open. `None` if the service closes the connection.
async fn live(stream: &mut TcpStream) -> Option<()> {
    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n").await.ok()?;
    let mut answer = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut answer)).await.expect("an answer").ok()?;
    assert_eq!(&answer, b"HTTP/1.1 200");
    Some(())
}
