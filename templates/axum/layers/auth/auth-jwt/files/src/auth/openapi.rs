//! Accounts in the API's description.

use utoipa::openapi::{
    OpenApi,
    security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};

use super::is_public;
use crate::http::{openapi, problem::Kind};

const BEARER: &str = "bearer";

/// Adds the access token that routes need, and their answer without one.
pub fn describe(openapi: &mut OpenApi) {
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let components = openapi.components.get_or_insert_default();
    components.add_security_scheme(BEARER, SecurityScheme::Http(token));
    for (path, item) in &mut openapi.paths.paths {
        if is_public(path) {
            continue;
        }
        for (_, operation) in openapi::operations(item) {
            operation.security = Some(vec![SecurityRequirement::new(BEARER, [""; 0])]);
            let responses = &mut operation.responses.responses;
            let refused = || openapi::problem(&[Kind::Unauthenticated]);
            responses.entry("401".to_owned()).or_insert_with(refused);
        }
    }
}
