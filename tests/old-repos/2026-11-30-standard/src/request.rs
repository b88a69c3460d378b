//! What is known about the request being served, wherever the code stands.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use opentelemetry::trace::TraceId;
use uuid::Uuid;

/// Carries the request's id in both directions.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: Current;
}

/// The request that the running task serves.
///
/// A task-local and no span: logs and problems need two ids, and a span costs more than all of this.
#[derive(Clone, Debug)]
pub struct Current {
    /// Sent back as `x-request-id`; printable.
    pub id: HeaderValue,
    /// The caller's where there is one.
    pub trace_id: TraceId,
    /// W3C trace context as the caller sent it; empty where that cannot be read.
    pub caller: HeaderMap,
    /// What was asked for.
    pub uri: Uri,
}

impl Current {
    /// The id as text.
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

/// The caller's request id if it is fit for a log line, else `fresh`.
pub fn request_id(headers: &HeaderMap, fresh: Uuid) -> HeaderValue {
    let kept = headers.get(X_REQUEST_ID).filter(|id| {
        (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
    });
    kept.cloned().unwrap_or_else(|| {
        let mut text = Uuid::encode_buffer();
        HeaderValue::from_str(fresh.hyphenated().encode_lower(&mut text)).expect("hex and hyphens")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_kept_when_short_and_printable() {
        let fresh = Uuid::now_v7();
        let read = |id: &[u8]| {
            let id = HeaderValue::from_bytes(id).unwrap();
            request_id(&HeaderMap::from_iter([(X_REQUEST_ID, id)]), fresh)
        };
        assert_eq!(read(b"abc-123"), "abc-123");
        for bad in [&b""[..], b"two words", &[b'a'; 129], b"caf\xe9"] {
            assert_eq!(read(bad), fresh.to_string().as_str());
        }
    }
}
