//! Accounts in the API's description.

use utoipa::openapi::{
    HttpMethod, OpenApi,
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
        for (method, operation) in openapi::operations(item) {
            if is_public(path, method == HttpMethod::Get) {
                continue;
            }
            // Handlers of administrators and owners declare the role.
            let any = || vec![SecurityRequirement::new(BEARER, [""; 0])];
            let needs = operation.security.get_or_insert_with(any);
            let admin = needs.contains(&SecurityRequirement::new(BEARER, ["admin"]));
            let responses = &mut operation.responses.responses;
            let mut refused = |status: &str, kind| {
                responses.entry(status.to_owned()).or_insert_with(|| openapi::problem(&[kind]));
            };
            refused("401", Kind::Unauthenticated);
            if admin {
                refused("403", Kind::Forbidden);
            }
        }
    }
}
