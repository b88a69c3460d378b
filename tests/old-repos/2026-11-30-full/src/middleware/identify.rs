//! Gives every request its ids, and its span where tracing is on.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use opentelemetry::trace::TraceId;
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    health,
    request::{self, Current, X_REQUEST_ID},
    state::AppState,
    telemetry::traces,
};

/// Runs the request as [`Current`] and echoes its id.
pub async fn identify(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let fresh = Uuid::now_v7();
    let id = request::request_id(request.headers(), fresh);
    let (trace_id, caller) = traces::caller(request.headers());
    let mut current = Current {
        id: id.clone(),
        trace_id: trace_id.unwrap_or_else(|| TraceId::from_bytes(fresh.into_bytes())),
        caller,
        uri: request.uri().clone(),
    };

    let tracing = state.config.otel_exporter_otlp_endpoint.is_some();
    let mut response = if tracing && !health::is_probe(request.uri().path()) {
        let span = traces::span(&request);
        current.trace_id = traces::trace_id(&span);
        let response = current.scope(next.run(request).instrument(span.clone())).await;
        traces::finish(&span, response.status());
        response
    } else {
        current.scope(next.run(request)).await
    };
    response.headers_mut().insert(X_REQUEST_ID, id);
    response
}
