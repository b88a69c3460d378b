//! Statements as spans. sqlx reports each as an event with its SQL, without the values.

use std::time::{Duration, SystemTime};

use opentelemetry::{
    Context, KeyValue,
    trace::{Span as _, SpanKind, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, filter::Targets, layer, registry::LookupSpan};

/// Makes each statement of a traced request a span.
pub fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let tracer = provider.tracer(env!("CARGO_PKG_NAME"));
    Statements { tracer }.with_filter(Targets::new().with_target("sqlx::query", Level::DEBUG))
}

struct Statements {
    tracer: SdkTracer,
}

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: layer::Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        said.export(&self.tracer);
    }
}

/// The fields of an event of sqlx.
#[derive(Default)]
struct Said {
    seconds: f64,
    /// The first words of the statement, and the whole of it where there are more.
    summary: String,
    statement: String,
    rows: u64,
}

impl Said {
    /// A finished span of the request that runs.
    fn export(&self, tracer: &SdkTracer) {
        let request = Context::current();
        if !request.span().span_context().is_sampled() {
            return;
        }
        let end = SystemTime::now();
        let took = Duration::try_from_secs_f64(self.seconds).unwrap_or_default();
        let whole = self.statement.trim();
        let text = if whole.is_empty() { &self.summary } else { whole };
        let operation = text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        let mut attributes = vec![
            KeyValue::new("db.system.name", "postgresql"),
            KeyValue::new("db.operation.name", operation.clone()),
            KeyValue::new("db.query.text", text.to_owned()),
            KeyValue::new(
                "db.response.returned_rows",
                i64::try_from(self.rows).unwrap_or(i64::MAX),
            ),
        ];
        let mut name = operation;
        if let Some(table) = table(text) {
            name = format!("{name} {table}");
            attributes.push(KeyValue::new("db.collection.name", table.to_owned()));
        }
        let span = tracer
            .span_builder(name)
            .with_kind(SpanKind::Client)
            .with_start_time(end.checked_sub(took).unwrap_or(end))
            .with_attributes(attributes);
        span.start_with_context(tracer, &request).end_with_timestamp(end);
    }
}

/// The first table that a statement names.
fn table(statement: &str) -> Option<&str> {
    let mut words = statement.split_whitespace();
    words.find(|word| {
        ["FROM", "INTO", "UPDATE"].iter().any(|verb| word.eq_ignore_ascii_case(verb))
    })?;
    let word = words.next().filter(|word| !word.starts_with('('))?;
    Some(word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_'))
}

impl Visit for Said {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.seconds = value;
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "rows_returned" {
            self.rows = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.statement),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_named_after_the_table() {
        for (statement, expected) in [
            ("SELECT id FROM products WHERE id = $1", Some("products")),
            ("insert into \"as\" (id) VALUES ($1)", Some("as")),
            ("UPDATE products SET name = $1", Some("products")),
            ("DELETE FROM products", Some("products")),
            ("SELECT 1", None),
            ("SELECT FROM (SELECT 1)", None),
        ] {
            let found = table(statement);
            assert_eq!(found, expected, "{statement}");
        }
    }
}
