//! app.logs: one JSON line per request. [`Process`] fails on a line that is not JSON.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{PATIENCE, Process, TestApp, client, header, log, send};

#[tokio::test]
async fn a_request_is_logged_as_one_line() {
    let mut service = Process::start(&[]).await;
    let request = service.get("/api/v1/info?token=hunter2").header("x-request-id", "req-1");
    send(request.header("user-agent", "probe/1.0")).await;
    let line = service.log_of("req-1").await;
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["method"], "GET");
    assert_eq!(line["route"], "/api/v1/info");
    assert_eq!(line["status"], 200);
    assert!(line["latency_ms"].as_f64().is_some_and(|ms| ms > 0.0));
    assert_eq!(line["trace_id"].as_str().map(str::len), Some(32));
    assert_eq!(line["client_address"], "127.0.0.1");
    assert_eq!(line["user_agent"], "probe/1.0");

    service.signal("TERM").await;
    let (_, rest) = service.ended().await;
    assert!(rest.iter().all(|line| line["request_id"] != "req-1"), "one line and no second");
}

#[tokio::test]
async fn a_valid_request_id_is_kept_and_an_invalid_one_is_replaced() {
    let app = TestApp::start().await;
    let echoed = async |id: &str, path: &str| {
        header(&send(app.get(path).header("x-request-id", id)).await, "x-request-id").to_owned()
    };
    assert_eq!(echoed("abc-1", "/api/v1/info").await, "abc-1");
    assert_eq!(echoed("abc-2", "/nothing").await, "abc-2");
    assert_eq!(echoed("abc-3", "/test/panic").await, "abc-3");
    assert_ne!(echoed("two words", "/api/v1/info").await, "two words");
    assert_ne!(echoed(&"x".repeat(129), "/api/v1/info").await, "x".repeat(129));
}

#[tokio::test]
async fn a_method_and_a_user_agent_that_clients_invent_are_bounded() {
    let mut service = Process::start(&[]).await;
    let request = client().request("INVENT".parse().unwrap(), format!("http://{}/", service.addr));
    let request = request.header("user-agent", "x".repeat(5000)).header("x-request-id", "long");
    send(request).await;
    let line = service.log_of("long").await;
    assert_eq!(line["method"], "_OTHER");
    assert_eq!(line["user_agent"], "x".repeat(256));
}

/// While no reader takes them, lines are lost, and requests and the shutdown are not.
#[tokio::test]
async fn a_reader_that_stalls_does_not_stop_the_service() {
    let service = Process::start(&[]).await;
    let get = "GET /api/v1/info HTTP/1.1\r\nhost: a\r\n";
    let requests = format!("{get}\r\n").repeat(999) + get + "connection: close\r\n\r\n";
    let lost = async {
        while service.metric("log_lines_dropped_total").await == 0 {
            let mut stream = TcpStream::connect(service.addr).await.unwrap();
            let (mut answers, mut questions) = stream.split();
            let mut text = String::new();
            let asked = questions.write_all(requests.as_bytes());
            let (asked, answered) = tokio::join!(asked, answers.read_to_string(&mut text));
            assert!(asked.is_ok() && answered.is_ok());
            assert_eq!(text.matches("HTTP/1.1 200").count(), 1000);
        }
    };
    timeout(PATIENCE, lost).await.expect("lines are dropped, and counted");
    service.signal("TERM").await;
    assert_eq!(service.code().await, Some(0));
}

#[tokio::test]
async fn the_trace_id_of_the_caller_is_logged() {
    let mut service = Process::start(&[]).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let request = service.get("/api/v1/info").header("x-request-id", "traced");
    send(request.header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"))).await;
    assert_eq!(service.log_of("traced").await["trace_id"], trace);
}

#[tokio::test]
async fn health_checks_are_not_logged() {
    let mut service = Process::start(&[]).await;
    send(service.get("/health/live")).await;
    send(service.get("/health/ready")).await;
    send(service.get("/nothing")).await;
    assert_eq!(service.log_line().await.unwrap()["route"], "unmatched");
}

#[tokio::test]
async fn secrets_are_not_logged() {
    let service = Process::start(&[("RUST_LOG", "debug")]).await;
    let request = service.get("/api/v1/info?password=hunter2");
    let request = request.header("authorization", "Bearer hunter2").header("cookie", "id=hunter2");
    send(request.body(r#"{"password":"hunter2"}"#)).await;
    service.signal("TERM").await;
    let (_, log) = service.ended().await;
    assert!(log.iter().any(|line| line["route"] == "/api/v1/info"));
    assert!(!serde_json::to_string(&log).unwrap().contains("hunter2"));
}

#[tokio::test]
async fn a_panic_and_an_error_cause_are_logged_with_the_request_id() {
    let app = TestApp::start().await;
    send(app.get("/test/panic").header("x-request-id", "panicked")).await;
    send(app.get("/test/internal").header("x-request-id", "failed")).await;
    let panic = log::find("panicked", "ERROR");
    assert_eq!(panic["message"], "panic: secret-of-the-panic");
    assert!(panic["location"].as_str().unwrap().contains("routes.rs"));
    assert_eq!(log::find("failed", "ERROR")["cause"], "secret-of-the-database");
}

#[tokio::test]
async fn a_background_task_logs_the_id_of_its_request() {
    let app = TestApp::start().await;
    send(app.get("/test/background").header("x-request-id", "began")).await;
    app.gate.entered().await;
    assert_eq!(log::find("began", "WARN")["message"], "in the background");
}
