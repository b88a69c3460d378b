//! The API's description, and a page to try it on.

use axum::{
    Router,
    body::Bytes,
    http::{HeaderValue, StatusCode, header},
    middleware::map_response,
    response::Response,
    routing::get,
};
use utoipa::{
    OpenApi as _,
    openapi::{
        ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder,
        path::{Operation, ParameterIn, PathItem},
    },
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{
    error::{PROBLEM_JSON, Problem},
    health,
    state::AppState,
};

const OPENAPI_PATH: &str = "/api-docs/openapi.json";

// The page brings its own styles inline and its icons as data; everything is served from here.
const PAGE_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// Name, version and description come from `Cargo.toml`.
#[derive(utoipa::OpenApi)]
#[openapi(
    components(schemas(Problem)),
    tags(
        (name = "auth", description = "Accounts and sessions"),
        (name = "users", description = "People with an account"),
        (name = "categories", description = "Categories"),
        (name = "products", description = "Products"),
        (name = "orders", description = "Orders"),
        (name = "health", description = "Probes"),
        (name = "info", description = "What runs here"),

        // Tags of your own:
    )
)]
struct Head;

/// The description of `api` and of the probes, every error included.
pub fn describe(api: &OpenApiRouter<AppState>) -> OpenApi {
    let mut openapi = Head::openapi();
    // The licence and the authors of the source are not those of the API.
    openapi.info.license = None;
    openapi.info.contact = None;
    openapi.merge(health::routes().into_openapi());
    openapi.merge(api.get_openapi().clone());
    for (path, item) in &mut openapi.paths.paths {
        let limited = !health::is_probe(path);
        operations(item).for_each(|operation| add_problems(operation, limited));
    }
    crate::auth::describe(&mut openapi);
    openapi
}

/// The description as committed in `openapi.json`.
pub fn pretty(openapi: &OpenApi) -> String {
    openapi.to_pretty_json().expect("a description is plain data") + "\n"
}

/// The description, and the page.
pub fn routes(openapi: &OpenApi) -> Router<AppState> {
    let json = Bytes::from(openapi.to_json().expect("a description is plain data"));
    let serve = async move || ([(header::CONTENT_TYPE, "application/json")], json.clone());
    // The validator badge would show the description to another host.
    let page = SwaggerUi::new("/docs").config(Config::from(OPENAPI_PATH).validator_url("none"));
    let page = Router::from(page).layer(map_response(allow_page));
    Router::new().route(OPENAPI_PATH, get(serve)).merge(page)
}

async fn allow_page(mut response: Response) -> Response {
    let policy = HeaderValue::from_static(PAGE_CSP);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    // A megabyte of scripts, the same until the next deployment.
    let caching = HeaderValue::from_static("public, max-age=3600");
    response.headers_mut().insert(header::CACHE_CONTROL, caching);
    response
}

/// All operations of a path.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

/// Documents what the middleware and the extractors answer, so that no handler has to.
fn add_problems(operation: &mut Operation, limited: bool) {
    let body = operation.request_body.is_some();
    let values = body || operation.parameters.is_some();
    let takes = |of: ParameterIn, name: Option<&str>| {
        let mut all = operation.parameters.iter().flatten().filter_map(|one| match one {
            RefOr::T(one) => Some(one),
            RefOr::Ref(_) => None,
        });
        all.any(|one| one.parameter_in == of && name.is_none_or(|name| one.name == name))
    };
    for (status, applies) in [
        (StatusCode::BAD_REQUEST, body),
        (StatusCode::NOT_FOUND, takes(ParameterIn::Path, None)),
        (StatusCode::PRECONDITION_FAILED, takes(ParameterIn::Header, Some("If-Match"))),
        (StatusCode::NOT_ACCEPTABLE, true),
        (StatusCode::PAYLOAD_TOO_LARGE, body),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, body),
        (StatusCode::UNPROCESSABLE_ENTITY, values),
        (StatusCode::TOO_MANY_REQUESTS, limited),
        (StatusCode::INTERNAL_SERVER_ERROR, true),
        (StatusCode::SERVICE_UNAVAILABLE, limited),
        (StatusCode::GATEWAY_TIMEOUT, true),
    ] {
        if applies {
            let responses = &mut operation.responses.responses;
            responses.entry(status.as_str().to_owned()).or_insert_with(|| problem(status));
        }
    }
}

/// A problem, as a response.
pub fn problem(status: StatusCode) -> RefOr<utoipa::openapi::Response> {
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let title = status.canonical_reason().unwrap_or_default();
    ResponseBuilder::new().description(title).content(PROBLEM_JSON, content).build().into()
}
