//! Additional routes for tests, such as ones that fail or hang.

use std::{future::pending, sync::Arc};

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use garde::Validate;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;

use super::service::{
    error::{Error, FaultCode, FieldFault},
    http::extract::{Path, Query, ValidJson},
    state::AppState,
    telemetry::traces,
};

/// Blocks requests to `/test/gate` until it is opened.
pub struct Gate {
    entered: Semaphore,
    open: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self { entered: Semaphore::new(0), open: Semaphore::new(0) }
    }
}

impl Gate {
    pub async fn entered(&self) {
        self.entered.acquire().await.unwrap().forget();
    }

    /// Whether a request has arrived that no call of [`Gate::entered`] has awaited.
    pub fn was_entered(&self) -> bool {
        self.entered.available_permits() > 0
    }

    pub fn open(&self) {
        self.open.add_permits(1);
    }

    async fn pass(&self) {
        self.entered.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }
}

#[derive(Debug, Deserialize, Serialize, Validate)]
#[serde(deny_unknown_fields)]
struct Order {
    #[garde(length(min = 1, max = 10))]
    customer: String,
    #[garde(dive, length(max = 3))]
    lines: Vec<Line>,
}

#[derive(Debug, Deserialize, Serialize, Validate)]
#[serde(deny_unknown_fields)]
struct Line {
    #[garde(range(min = 1, max = 100))]
    quantity: u32,
}

#[derive(Deserialize, Serialize, Validate)]
#[serde(deny_unknown_fields)]
struct Page {
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "ten")]
    limit: u32,
    #[garde(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

fn ten() -> u32 {
    10
}

pub fn routes(gate: Arc<Gate>) -> OpenApiRouter<AppState> {
    let (background, held) = (gate.clone(), gate.clone());
    OpenApiRouter::new()
        .route("/test/background", get(async |state| in_background(state, background)))
        .route("/test/orders", post(async |ValidJson(order): ValidJson<Order>| Json(order)))
        .route("/test/orders/{id}", get(async |Path(id): Path<u32>| id.to_string()))
        .route("/test/page", get(async |Query(page): Query<Page>| Json(page)))
        .route("/test/panic", get(panics))
        .route("/test/internal", get(async || Error::internal("secret-of-the-database")))
        .route("/test/unavailable", get(async || Error::unavailable("secret-host:5432")))
        .route("/test/anonymous", get(async || Error::Unauthenticated))
        .route("/test/credentials", get(async || Error::WrongCredentials))
        .route("/test/forbidden", get(async || Error::Forbidden))
        .route("/test/conflict", get(async || Error::Conflict("Closed.".to_owned())))
        .route("/test/taken", get(async || taken()))
        .route("/test/referenced", get(async || Error::Referenced(Some("orders".to_owned()))))
        .route("/test/in-progress", get(async || Error::InProgress))
        .route("/test/changed", get(async || Error::Stale))
        .route("/test/overloaded", get(async || Error::Overloaded))
        .route("/test/bare", get(async || (StatusCode::BAD_GATEWAY, "secret-upstream")))
        .route("/test/never", get(pending::<()>))
        .route("/test/slurp", post(async |body: Bytes| body.len().to_string()))
        .route("/test/bytes/{count}/{kind}", get(bytes).post(bytes))
        .route("/test/outbound", get(outbound))
        .route("/test/version", get(version))
        .route("/test/held", post(async move |_: Bytes| held.pass().await))
        .route("/test/gate", get(async move || gate.pass().await))
        .merge(super::database::routes())
}

fn in_background(State(state): State<AppState>, gate: Arc<Gate>) {
    state.background.spawn(async move {
        tracing::warn!("in the background");
        gate.entered.add_permits(1);
    });
}

fn taken() -> Error {
    let pointer = "/name".to_owned();
    Error::Taken(FieldFault { pointer, detail: "taken".to_owned(), code: FaultCode::Taken })
}

async fn panics() {
    panic!("secret-of-the-panic");
}

async fn bytes(Path((count, kind)): Path<(usize, String)>) -> Response {
    ([(header::CONTENT_TYPE, kind.replace('.', "/"))], "x".repeat(count)).into_response()
}

/// A resource at version 3, which also returns the `If-Match` that it was sent.
async fn version(headers: HeaderMap) -> Response {
    let tag = [(header::ETAG, "\"3\"")];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == "\"3\"") {
        return (StatusCode::NOT_MODIFIED, tag).into_response();
    }
    let if_match = headers.get(header::IF_MATCH).cloned().map(|tag| [("x-if-match", tag)]);
    (tag, if_match, "x".repeat(5000)).into_response()
}

/// Responds with the trace context of an outbound call of this request.
async fn outbound() -> String {
    let mut headers = HeaderMap::new();
    traces::inject(&mut headers);
    let traceparent = headers.get("traceparent");
    traceparent.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}
