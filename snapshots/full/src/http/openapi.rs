//! The API's description, and a page to try it on.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

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
        ContentBuilder, HeaderBuilder, HttpMethod, ObjectBuilder, OpenApi, Ref, RefOr,
        ResponseBuilder, Type,
        path::{Operation, ParameterIn, PathItem},
    },
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{
    Shared,
    health::{self, Health},
    problem::{self, Kind, PROBLEM_JSON, Problem},
};

const OPENAPI_PATH: &str = "/api-docs/openapi.json";

// The page has inline styles and icons as data; everything is served from here.
const PAGE_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// Name, version and description come from `Cargo.toml`.
#[derive(utoipa::OpenApi)]
#[openapi(
    components(schemas(Problem)),
    tags(
        (name = "auth", description = "Accounts and sessions"),
        (name = "users", description = "Accounts as resources"),
        (name = "categories", description = "Categories"),
        (name = "products", description = "Products"),
        (name = "orders", description = "Orders"),
        (name = "health", description = "Health of the service"),
        (name = "info", description = "Facts of the build"),
        (name = "problems", description = "Kinds of problems"),

        // Tags of your own:
    )
)]
struct Head;

/// The description of `api`, of the probes and of the kinds of problems, every error included.
pub fn describe(api: OpenApi) -> OpenApi {
    let mut openapi = Head::openapi();
    // utoipa takes the licence and the authors of the crate, which are not for clients of the API.
    openapi.info.license = None;
    openapi.info.contact = None;
    openapi.merge(health::routes::<Arc<Health>>().into_openapi());
    openapi.merge(problem::routes::<()>().into_openapi());
    openapi.merge(api);
    complete(&mut openapi);
    openapi
}

/// The description as committed in `openapi.json`.
pub fn pretty(openapi: &OpenApi) -> String {
    openapi.to_pretty_json().expect("a description is plain data") + "\n"
}

/// Serves the description, and the page.
pub fn routes<S: Shared>(openapi: &OpenApi) -> Router<S> {
    let json = Bytes::from(openapi.to_json().expect("a description is plain data"));
    let serve = async move || ([(header::CONTENT_TYPE, "application/json")], json.clone());
    // The validator badge would send the description to another host.
    let page = SwaggerUi::new("/docs").config(Config::from(OPENAPI_PATH).validator_url("none"));
    let page = Router::from(page).layer(map_response(allow_page));
    Router::new().route(OPENAPI_PATH, get(serve)).merge(page)
}

async fn allow_page(mut response: Response) -> Response {
    let policy = HeaderValue::from_static(PAGE_CSP);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    if response.status().is_success() {
        // A megabyte of scripts, the same until the next deployment.
        let caching = HeaderValue::from_static("public, max-age=3600");
        response.headers_mut().insert(header::CACHE_CONTROL, caching);
    }
    response
}

/// All operations of a path.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [
        (HttpMethod::Get, get),
        (HttpMethod::Put, put),
        (HttpMethod::Post, post),
        (HttpMethod::Delete, delete),
        (HttpMethod::Patch, patch),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Adds the responses that follow from the parameters of each operation (responses of middleware
/// and extractors), and the headers of its responses. Declarations of a handler stay.
fn complete(openapi: &mut OpenApi) {
    let paths: BTreeSet<String> = openapi.paths.paths.keys().cloned().collect();
    for (path, item) in &mut openapi.paths.paths {
        let collection = paths.contains(&format!("{path}/{{id}}"));
        for (method, operation) in operations(item) {
            add_responses(path, &method, collection, operation);
            // Public, unless a guard has said otherwise: no `security` would leave it open.
            operation.security.get_or_insert_default();
        }
    }
}

fn add_responses(path: &str, method: &HttpMethod, collection: bool, operation: &mut Operation) {
    let parameters = || {
        operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some((&parameter.parameter_in, parameter.name.as_str())),
            RefOr::Ref(_) => None,
        })
    };
    let header = |name| parameters().any(|taken| taken == (&ParameterIn::Header, name));
    let (if_match, if_none_match) = (header("If-Match"), header("If-None-Match"));
    let idempotency_key = header("Idempotency-Key");
    let by_path = parameters().any(|(place, _)| *place == ParameterIn::Path);
    let body = operation.request_body.is_some();
    let values = body || parameters().next().is_some();
    let limited = !health::is_probe(path);
    let deletes = *method == HttpMethod::Delete;
    let creates = *method == HttpMethod::Post && collection;
    let writes = path.starts_with("/api/v1/") && *method != HttpMethod::Get && (body || if_match);

    let mut problems: BTreeMap<StatusCode, Vec<Kind>> = BTreeMap::new();
    for (kind, applies) in [
        (Kind::Malformed, body),
        (Kind::NotFound, by_path),
        (Kind::NotAcceptable, true),
        (Kind::Conflict, writes),
        (Kind::Taken, writes && body),
        (Kind::Referenced, writes && deletes),
        (Kind::InProgress, idempotency_key),
        (Kind::Stale, if_match),
        (Kind::TooLarge, body),
        (Kind::SlowBody, body),
        (Kind::UnsupportedMediaType, body),
        (Kind::Invalid, values),
        (Kind::RateLimited, limited),
        (Kind::Internal, true),
        (Kind::Unavailable, limited),
        (Kind::Overloaded, limited),
        (Kind::TimedOut, true),
    ] {
        if applies {
            problems.entry(kind.status()).or_default().push(kind);
        }
    }
    let responses = &mut operation.responses.responses;
    for (status, kinds) in problems {
        responses.entry(status.as_str().to_owned()).or_insert_with(|| problem(&kinds));
    }
    if if_none_match {
        let unchanged = ResponseBuilder::new().description("The client has this version");
        responses.entry("304".to_owned()).or_insert_with(|| unchanged.build().into());
    }
    for (status, name, about, applies) in [
        ("200", "ETag", "Version of the resource", if_match || if_none_match),
        ("201", "ETag", "Version of the resource", creates),
        ("201", "Location", "Path of the new resource", creates),
        ("201", "Idempotency-Replayed", "`true` for a repeated response", idempotency_key),
        ("304", "ETag", "Version of the resource", if_none_match),
    ] {
        if applies && let Some(RefOr::T(response)) = responses.get_mut(status) {
            let text = ObjectBuilder::new().schema_type(Type::String);
            let header = HeaderBuilder::new().schema(Some(text)).description(Some(about));
            response.headers.entry(name.to_owned()).or_insert_with(|| header.build().into());
        }
    }
}

/// A response with a problem of one of these kinds.
pub fn problem(kinds: &[Kind]) -> RefOr<utoipa::openapi::Response> {
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let kinds: Vec<_> = kinds.iter().map(|kind| format!("`{}`", kind.name())).collect();
    let about = format!("Problem: {}", kinds.join(", "));
    ResponseBuilder::new().description(about).content(PROBLEM_JSON, content).build().into()
}
