//! mon.tracing: statements are spans of their requests.

use opentelemetry::trace::SpanKind;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{
    TestApp,
    database::Database,
    send,
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
        .with(statements::layer(Some(&provider)));
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
