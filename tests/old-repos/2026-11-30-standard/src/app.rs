//! What a request meets: routes, then middleware in order.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
};
use tower::{ServiceBuilder, util::option_layer};
use tower_http::limit::RequestBodyLimitLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    docs,
    error::AppError,
    health, info,
    middleware::{self, share::Share},
    rate_limit,
    state::AppState,
    static_files,
};

/// The service.
pub fn app(state: AppState) -> Router {
    with_routes(state, routes(), Router::new())
}

/// The API.
pub fn routes() -> OpenApiRouter<AppState> {
    let v1 = OpenApiRouter::new()
        .merge(info::routes())
        .merge(crate::users::routes())
        .merge(crate::orders::routes())
        // Routes of your own:
        ;
    OpenApiRouter::new()
        // What has no version stands beside it.
        .nest("/api/v1", v1)
        .nest("/auth", crate::auth::routes())
}

/// `api` behind everything that the service puts in front of it. `open` as well, less what guards
/// the API alone.
pub fn with_routes(
    state: AppState,
    api: OpenApiRouter<AppState>,
    open: Router<AppState>,
) -> Router {
    let openapi = docs::describe(&api);
    let api = Router::from(api)
        // Innermost: who is refused here has been counted and logged.
        .route_layer(from_fn_with_state(state.clone(), crate::auth::enforce))
        .merge(open)
        .layer(from_fn(middleware::accept::json));
    let limited = Router::new()
        .merge(api)
        .merge(docs::routes(&openapi))
        .merge(static_files::routes())
        .fallback(async || AppError::NotFound)
        // Unknown paths count too: they are what a scanner asks for.
        .layer(from_fn_with_state(state.clone(), rate_limit::enforce))
        // Before the limit, whose books may be in another place.
        .layer(from_fn_with_state(state.clone(), middleware::shed::shed));

    // Outermost first.
    let stack = ServiceBuilder::new()
        // Before all else: every line and every problem names the request.
        .layer(from_fn_with_state(state.clone(), middleware::identify::identify))
        // Outside of what may answer by itself, so that no answer goes uncounted.
        .layer(from_fn(middleware::observe::observe))
        .layer(from_fn_with_state(state.clone(), middleware::drain::drain))
        // Here and below: layers copy what is under them, for every request; this makes it a reference.
        .layer(Share)
        // On errors too.
        .map_response(middleware::security_headers::add)
        // Outside of every refusal, or a browser hides the reason from its page.
        .layer(option_layer(middleware::cors::layer(&state.config)))
        // Outside of the layers below, whose own errors are bare.
        .map_response(middleware::problems::rewrite)
        .layer(from_fn(middleware::accept::encoding))
        .layer(Share)
        .layer(middleware::compression::layer(&state.config))
        .layer(middleware::panics::layer())
        // Includes the reading of the body, so that a slow one ends.
        .layer(from_fn_with_state(state.clone(), middleware::deadline::enforce))
        // The limit that counts for every handler; axum's own knows its extractors alone.
        .layer(RequestBodyLimitLayer::new(state.config.body_limit_bytes as usize))
        .layer(DefaultBodyLimit::disable())
        .layer(Share)
        // Middleware of your own:
        ;

    Router::new()
        .merge(limited)
        .merge(Router::from(health::routes()))
        .layer(stack)
        .with_state(state)
}

/// The API's description, as committed in `openapi.json`.
pub fn openapi() -> OpenApi {
    docs::describe(&routes())
}
