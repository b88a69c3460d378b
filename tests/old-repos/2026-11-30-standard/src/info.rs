//! What runs here.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

/// The routes of this module, below `/api/v1`.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(info))
}

/// Name and version of the running service.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Info {
    /// The service.
    #[schema(value_type = String, example = "orders")]
    pub name: &'static str,
    /// Its version.
    #[schema(value_type = String, example = "1.4.2")]
    pub version: &'static str,
    /// The git commit that it was built from; `unknown` where the build was not told.
    #[schema(value_type = String, example = "9fceb02")]
    pub revision: &'static str,
}

/// Of this build. The revision is what `APP_REVISION` said while it was compiled.
pub fn current() -> Info {
    let revision = match option_env!("APP_REVISION") {
        None | Some("") => "unknown",
        Some(revision) => revision,
    };
    Info { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION"), revision }
}

/// What runs here.
#[utoipa::path(get, path = "/info", operation_id = "info", tag = "info",
    responses((status = 200, description = "Name, version and revision", body = Info)))]
async fn info() -> Json<Info> {
    Json(current())
}
