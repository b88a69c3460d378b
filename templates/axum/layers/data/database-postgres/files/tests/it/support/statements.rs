//! The statements of a request.

use std::sync::Mutex;

use reqwest::{RequestBuilder, Response};
use tracing::{Event, Metadata, Subscriber, field};
use tracing_subscriber::{Layer, filter::filter_fn, layer::Context, registry::LookupSpan};
use uuid::Uuid;

use super::{TestApp, send, service::telemetry::request::Current};

static SEEN: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// Sends the request; returns the response and the statements that it ran.
pub async fn of(_: &TestApp, request: RequestBuilder) -> (Response, Vec<String>) {
    let id = Uuid::now_v7().to_string();
    let response = send(request.header("x-request-id", &id)).await;
    let seen = SEEN.lock().unwrap();
    let statements = seen.iter().filter(|(request, _)| *request == id);
    (response, statements.map(|(_, sql)| sql.clone()).collect())
}

/// Records the statements that sqlx logs, each with its request.
pub fn watch<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    Watch.with_filter(filter_fn(|metadata: &Metadata<'_>| metadata.target() == "sqlx::query"))
}

struct Watch;

impl<S: Subscriber> Layer<S> for Watch {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(request) = Current::with(|request| request.id_str().to_owned()) else { return };
        let mut statement = Statement::default();
        event.record(&mut statement);
        SEEN.lock().unwrap().push((request, statement.text()));
    }
}

/// sqlx logs a short statement only as a summary.
#[derive(Default)]
struct Statement {
    whole: String,
    summary: String,
}

impl Statement {
    fn text(&self) -> String {
        let text = if self.whole.trim().is_empty() { &self.summary } else { &self.whole };
        text.trim().to_owned()
    }
}

impl field::Visit for Statement {
    fn record_str(&mut self, field: &field::Field, value: &str) {
        match field.name() {
            "db.statement" => value.clone_into(&mut self.whole),
            "summary" => value.clone_into(&mut self.summary),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &field::Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
