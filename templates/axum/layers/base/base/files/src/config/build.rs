//! Facts of this build.

use serde::Serialize;
use utoipa::ToSchema;

/// Name, version and revision of this build.
pub const BUILD: Build = Build {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    revision: match option_env!("APP_REVISION") {
        Some(revision) if !revision.is_empty() => revision,
        _ => "unknown",
    },
};

/// Name, version and revision of the service.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Info)]
pub struct Build {
    /// Name of the service.
    #[schema(value_type = String, example = "orders")]
    pub name: &'static str,
    /// Version of the service.
    #[schema(value_type = String, example = "1.4.2")]
    pub version: &'static str,
    /// Git commit that was built: `APP_REVISION` of the build's environment, or `unknown`.
    #[schema(value_type = String, example = "9fceb02")]
    pub revision: &'static str,
}
