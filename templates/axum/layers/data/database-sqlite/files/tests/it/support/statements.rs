//! The statements of a request. SQLite runs them on a thread per connection, without the request's
//! context. They are recorded by thread, between two marker statements.

use std::{
    sync::Mutex,
    thread::{self, ThreadId},
};

use reqwest::{RequestBuilder, Response};
use sqlx::AssertSqlSafe;
use tracing::{Event, Metadata, Subscriber, field};
use tracing_subscriber::{Layer, filter::filter_fn, layer::Context, registry::LookupSpan};
use uuid::Uuid;

use super::{TestApp, send};

static SEEN: Mutex<Vec<(ThreadId, String)>> = Mutex::new(Vec::new());

/// Sends the request; returns the response and the statements that it ran.
pub async fn of(app: &TestApp, request: RequestBuilder) -> (Response, Vec<String>) {
    let [before, after] = [(); 2].map(|()| format!("SELECT '{}'", Uuid::now_v7()));
    mark(app, &before).await;
    let response = send(request).await;
    mark(app, &after).await;

    let seen = SEEN.lock().unwrap();
    let marked = |mark: &str| {
        let marks = seen.iter().enumerate().filter(move |(_, (_, sql))| sql == mark);
        marks.map(|(at, (thread, _))| (at, *thread)).collect::<Vec<_>>()
    };
    let ends = marked(&after);
    let mut statements = Vec::new();
    for (begin, thread) in marked(&before) {
        let (end, _) = ends.iter().find(|(_, other)| *other == thread).unwrap();
        let between = seen[begin + 1..*end].iter().filter(|(other, _)| *other == thread);
        statements.extend(between.map(|(_, sql)| sql.clone()));
    }
    (response, statements)
}

/// Runs a statement on every connection of the pool.
async fn mark(app: &TestApp, mark: &str) {
    let mut connections = Vec::new();
    for _ in 0..app.state.db.status().max_size {
        connections.push(app.state.db.acquire().await.unwrap());
    }
    for connection in &mut connections {
        sqlx::query(AssertSqlSafe(mark)).execute(&mut **connection).await.unwrap();
    }
}

/// Records the statements that sqlx logs, each with its thread.
pub fn watch<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    Watch.with_filter(filter_fn(|metadata: &Metadata<'_>| metadata.target() == "sqlx::query"))
}

struct Watch;

impl<S: Subscriber> Layer<S> for Watch {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut statement = Statement::default();
        event.record(&mut statement);
        SEEN.lock().unwrap().push((thread::current().id(), statement.text()));
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
