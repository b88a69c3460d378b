//! The request that a task serves, within reach of all code.

use std::sync::{Arc, OnceLock};

use axum::{
    extract::MatchedPath,
    http::{HeaderMap, HeaderValue, Method, Uri},
};
use opentelemetry::trace::TraceId;
use tokio::task::futures::TaskLocalFuture;
use uuid::Uuid;

tokio::task_local! {
    static CURRENT: Arc<Current>;
}

/// The request that the running task serves.
///
/// A task-local instead of a span: logs and problems need two ids, and a span costs more.
#[derive(Debug)]
pub struct Current {
    /// Returned as `x-request-id`; printable.
    pub id: HeaderValue,
    /// Trace of the caller, or else a new one.
    pub trace_id: TraceId,
    /// Pattern that the path matched, if any.
    pub route: Option<MatchedPath>,
    /// W3C trace context as the caller sent it; empty where it cannot be parsed.
    pub trace_context: HeaderMap,
    /// URI of the request.
    pub uri: Uri,
    /// Account of the caller, once it is known.
    pub account: OnceLock<Uuid>,
}

impl Current {
    /// The ID as text.
    pub fn id_str(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    /// Account of the caller, if it is known.
    pub fn account(&self) -> Option<Uuid> {
        self.account.get().copied()
    }

    /// Notes the account of the caller, for the line and the span of the request.
    pub fn recognised(account: Uuid) {
        // Without a request, or recognised before: nothing to note.
        let _ = CURRENT.try_with(|request| request.account.set(account));
    }

    /// Reads the current request; `None` outside of one.
    pub fn with<T>(read: impl FnOnce(&Arc<Self>) -> T) -> Option<T> {
        CURRENT.try_with(read).ok()
    }

    /// Runs what `begin` returns as part of this request, and `begin` itself.
    pub fn scope<F: Future>(
        self: Arc<Self>,
        begin: impl FnOnce() -> F,
    ) -> TaskLocalFuture<Arc<Self>, F> {
        let work = CURRENT.sync_scope(self.clone(), begin);
        CURRENT.scope(self, work)
    }
}

/// A route as a label. Clients choose paths: as labels they would be unbounded.
pub fn route(matched: Option<&MatchedPath>) -> &str {
    matched.map_or("unmatched", MatchedPath::as_str)
}

/// A method as a label: clients choose methods, and `_OTHER` is all that is not known (OpenTelemetry's
/// semantic conventions for HTTP).
pub fn method(method: &Method) -> &'static str {
    match *method {
        Method::CONNECT => "CONNECT",
        Method::DELETE => "DELETE",
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::TRACE => "TRACE",
        _ => "_OTHER",
    }
}
