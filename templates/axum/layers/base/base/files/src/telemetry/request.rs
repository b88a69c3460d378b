//! The request that a task serves, within reach of all code.

use axum::http::{HeaderMap, HeaderValue, Uri};
use opentelemetry::trace::TraceId;

tokio::task_local! {
    static CURRENT: Current;
}

/// The request that the running task serves.
///
/// A task-local instead of a span: logs and problems need two ids, and a span costs more.
#[derive(Clone, Debug)]
pub struct Current {
    /// Returned as `x-request-id`; printable.
    pub id: HeaderValue,
    /// Trace of the caller, or else a new one.
    pub trace_id: TraceId,
    /// W3C trace context as the caller sent it; empty where it cannot be parsed.
    pub trace_context: HeaderMap,
    /// URI of the request.
    pub uri: Uri,
}

impl Current {
    /// The ID as text.
    pub fn id_str(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    /// Reads the current request; `None` outside of one.
    pub fn with<T>(read: impl FnOnce(&Self) -> T) -> Option<T> {
        CURRENT.try_with(read).ok()
    }

    /// Runs `work` as part of this request.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }
}
