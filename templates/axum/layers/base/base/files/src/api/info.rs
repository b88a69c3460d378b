//! Name, version and revision of the service.

use axum::Json;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    config::{BUILD, Build},
    http::Shared,
};

/// The routes of this module, below `/api/v1`.
pub fn routes<S: Shared>() -> OpenApiRouter<S> {
    OpenApiRouter::new().routes(routes!(info))
}

/// Get the name, version and revision of the service.
#[utoipa::path(get, path = "/info", operation_id = "info", tag = "info",
    responses((status = 200, description = "Name, version and revision", body = Build)))]
async fn info() -> Json<Build> {
    Json(BUILD)
}
