//! sec.connections: connections and requests beyond a limit are refused at once; others are served.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::yield_now,
    time::timeout,
};

use crate::support::{MORE_THAN_FITS, PATIENCE, Process, TestApp, client, header, problem, send};

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
async fn clients_that_do_not_read_are_not_requests_in_flight() {
    let app = TestApp::with(&[("MAX_REQUESTS_IN_FLIGHT", "1")]).await;
    let mut slow = Vec::new();
    for stalled in 1..=10 {
        slow.push(app.ask_for_more_than_fits().await);
        let wait = async {
            while app.state.in_flight.count() < stalled {
                yield_now().await;
            }
        };
        timeout(PATIENCE, wait).await.expect("the response waits for its client");
        served(&app).await;
    }
}

#[tokio::test]
async fn clients_that_do_not_send_are_not_requests_in_flight() {
    let app = TestApp::with(&[("MAX_REQUESTS_IN_FLIGHT", "1")]).await;
    let mut slow = Vec::new();
    for _ in 0..10 {
        let mut stream = TcpStream::connect(app.addr).await.unwrap();
        let head = "POST /test/slurp HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf";
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
        served(&app).await;
    }
}

#[tokio::test]
async fn bodies_beyond_the_memory_for_them_are_refused() {
    let settings = [("BODY_LIMIT_BYTES", "45000"), ("BODY_MEMORY_BYTES", "90000")];
    let app = TestApp::with(&settings).await;
    let post = |size: usize| app.post("/test/held").body("x".repeat(size));
    let held = tokio::spawn(send(post(45_000)));
    app.gate.entered().await;
    problem(post(45_000), (503, "overloaded")).await;
    let small = tokio::spawn(send(post(1000)));
    app.gate.entered().await;
    for request in [held, small] {
        app.gate.open();
        assert_eq!(request.await.unwrap().status(), 200);
    }
    let held = tokio::spawn(send(post(45_000)));
    app.gate.entered().await;
    app.gate.open();
    assert_eq!(held.await.unwrap().status(), 200);
}

/// Bodies that stall keep what has arrived of them.
#[tokio::test]
async fn one_client_cannot_take_the_memory_for_all_bodies() {
    let settings =
        [("BODY_LIMIT_BYTES", "1024"), ("BODY_MEMORY_BYTES", "40960"), ("TRUSTED_PROXIES", "1")];
    let app = TestApp::with(&settings).await;
    let mut stalled = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(app.addr).await.unwrap();
        let head = "POST /test/slurp HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 192.0.2.1\r\n";
        let body = "x".repeat(1000);
        let request = format!("{head}content-length: 1024\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        stalled.push(stream);
    }
    let post =
        |from: &str| app.post("/test/slurp").header("x-forwarded-for", from).body("x".repeat(1000));
    let refused = async { while send(post("192.0.2.1")).await.status() != 503 {} };
    timeout(PATIENCE, refused).await.expect("the address has used up its share");
    assert_eq!(send(post("192.0.2.2")).await.status(), 200);
    drop(stalled);
    let again = async { while send(post("192.0.2.1")).await.status() != 200 {} };
    timeout(PATIENCE, again).await.expect("the share is free again");
}

/// Their responses are in memory until they are read.
#[tokio::test]
async fn clients_that_do_not_read_cannot_take_all_memory() {
    let settings = [("RESPONSE_MEMORY_BYTES", "400000000"), ("TRUSTED_PROXIES", "1")];
    let app = TestApp::with(&settings).await;
    let path = format!("/test/bytes/{MORE_THAN_FITS}/text.plain");
    let ask = async |from: &str| {
        let mut stream = TcpStream::connect(app.addr).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\nx-forwarded-for: {from}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        (stream, String::from_utf8(status.to_vec()).unwrap())
    };
    let mut held = Vec::new();
    for (from, expected) in [
        ("192.0.2.1", "HTTP/1.1 200"),
        ("192.0.2.1", "HTTP/1.1 200"),
        ("192.0.2.1", "HTTP/1.1 503"),
        ("192.0.2.2", "HTTP/1.1 200"),
    ] {
        let (stream, status) = ask(from).await;
        assert_eq!(status, expected);
        held.push(stream);
    }
    drop(held);
    let again = async { while ask("192.0.2.1").await.1 != "HTTP/1.1 200" {} };
    timeout(PATIENCE, again).await.expect("the memory is free again");
}

/// A client repeats a write that was answered with 503.
#[tokio::test]
async fn a_write_is_answered_where_no_memory_is_left() {
    let app = TestApp::with(&[("RESPONSE_MEMORY_BYTES", "60000000")]).await;
    let unread = app.ask_for_more_than_fits().await;
    app.in_flight(true).await;
    let path = "/test/bytes/20000000/text.plain";
    let refused = async { while send(app.get(path)).await.status() != 503 {} };
    timeout(PATIENCE, refused).await.expect("the memory is taken");
    assert_eq!(send(app.post(path)).await.status(), 200);
    drop(unread);
}

/// A body in a thousand pieces takes more memory than its bytes.
#[tokio::test]
async fn the_pieces_of_a_body_count() {
    let settings = [("BODY_LIMIT_BYTES", "45000"), ("BODY_MEMORY_BYTES", "90000")];
    let app = TestApp::with(&settings).await;
    let pieces = "1\r\nx\r\n".repeat(2000);
    let head = "POST /test/slurp HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut stream = TcpStream::connect(app.addr).await.unwrap();
    stream.write_all(format!("{head}{pieces}0\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 503");
}

/// A blocking client, such as Python's `http.client`, reads nothing before all is sent.
#[tokio::test]
async fn a_client_that_is_still_sending_gets_the_refusal_of_its_body() {
    let app = TestApp::with(&[("BODY_LIMIT_BYTES", "1024")]).await;
    for _ in 0..20 {
        let mut stream = TcpStream::connect(app.addr).await.unwrap();
        let head = "POST /test/slurp HTTP/1.1\r\nhost: a\r\ncontent-length: 4000000\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b'x'; 4_000_000]).await.expect("the connection is not reset");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("the connection is not reset");
        assert!(answer.starts_with(b"HTTP/1.1 413"));
    }
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

/// Waits until a request is served.
async fn served(app: &TestApp) {
    let wait = async { while send(app.get("/api/v1/info")).await.status() != 200 {} };
    timeout(PATIENCE, wait).await.expect("other clients are served");
}

/// Sends a request and keeps the connection open. `None` if the service closes the connection.
async fn live(stream: &mut TcpStream) -> Option<()> {
    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n").await.ok()?;
    let mut answer = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut answer)).await.expect("an answer").ok()?;
    assert_eq!(&answer, b"HTTP/1.1 200");
    Some(())
}
