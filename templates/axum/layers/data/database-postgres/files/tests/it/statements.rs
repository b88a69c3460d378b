//! mon.tracing: statements are spans of their requests, and slow ones name them in the log.

use opentelemetry::trace::SpanKind;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{
    TestApp,
    database::Database,
    log, send,
    service::telemetry::{statements, traces},
    spans,
};

#[tokio::test]
async fn a_statement_is_a_span_of_its_request() {
    let database = Database::with_things().await;
    let tracing = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let app = TestApp::with(&[("DATABASE_URL", database.url()), tracing]).await;
    let (provider, mut spans) = spans::record();
    let subscriber = tracing_subscriber::registry()
        .with(traces::layer(&provider))
        .with(statements::layer(&provider));
    // The runtime of this test has one thread, so the subscriber sees every request.
    let _guard = tracing::subscriber::set_default(subscriber);
    send(app.get("/test/things")).await;
    let statement = spans::named(&mut spans, "SELECT _things").await;
    let request = spans::named(&mut spans, "GET /test/things").await;
    assert_eq!(statement.span_kind, SpanKind::Client);
    assert_eq!(statement.parent_span_id, request.span_context.span_id());
    let text = statement.attributes.iter().find(|pair| pair.key.as_str() == "db.query.text");
    assert_eq!(text.unwrap().value.as_str(), "SELECT count(*) FROM _things");
}

#[tokio::test]
async fn a_slow_statement_is_logged_with_its_request_and_route() {
    let database = Database::with_things().await;
    // Slower than a second, from which on sqlx warns.
    let slow = "ALTER TABLE _things RENAME TO _fast;
        CREATE VIEW _things AS SELECT 1 FROM pg_sleep(1.1)";
    sqlx::raw_sql(slow).execute(&database.pool()).await.unwrap();
    let app = TestApp::with(&[("DATABASE_URL", database.url())]).await;
    send(app.get("/test/things").header("x-request-id", "slow-things")).await;
    let line = log::find("slow-things", "WARN");
    assert_eq!(line["route"], "/test/things");
    assert_eq!(line["trace_id"].as_str().map(str::len), Some(32));
    assert_eq!(line["summary"], "SELECT count(*) FROM _things");
    assert!(line["elapsed_secs"].as_f64().is_some_and(|seconds| seconds > 1.0));
}
