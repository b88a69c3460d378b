//! Accounts in the API's description.

use axum::http::StatusCode;
use utoipa::openapi::{
    OpenApi,
    security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};

use super::is_public;
use crate::{docs, health};

const BEARER: &str = "bearer";

/// Adds the token that routes ask for, and what they answer without one.
pub fn describe(openapi: &mut OpenApi) {
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let components = openapi.components.get_or_insert_default();
    components.add_security_scheme(BEARER, SecurityScheme::Http(token));
    for (path, item) in &mut openapi.paths.paths {
        if is_public(path) || health::is_probe(path) {
            continue;
        }
        for operation in docs::operations(item) {
            operation.security = Some(vec![SecurityRequirement::new(BEARER, [""; 0])]);
            let responses = &mut operation.responses.responses;
            let status = StatusCode::UNAUTHORIZED;
            let refused = || docs::problem(status);
            responses.entry(status.as_str().to_owned()).or_insert_with(refused);
        }
    }
}
