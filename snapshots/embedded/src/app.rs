//! The path of a request: routes, then middleware in order.

use axum::{
    Router, body::Body, extract::DefaultBodyLimit, http::Request, middleware::from_fn_with_state,
};
use tower::{ServiceBuilder, util::option_layer};
use tower_http::limit::RequestBodyLimitLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    api,
    error::Error,
    http::{
        health,
        middleware::{
            self, accept, around::Around, compression, deadline::Deadline, gate::Behind,
            identify::Identify, observe::Observe, share::Share, shed::Shed, waiting,
        },
        openapi, problem,
        server::Service,
        static_files,
    },
    rate_limit,
    state::AppState,
    telemetry,
};

/// The router of the service.
pub fn app(state: AppState) -> Router {
    with_routes(state, routes(), Router::new())
}

/// The API.
pub fn routes() -> OpenApiRouter<AppState> {
    let v1 = OpenApiRouter::new()
        .merge(api::info::routes())
        .merge(crate::api::users::routes())
        // Routes of your own:
        ;
    OpenApiRouter::new()
        // Routes without a version stand beside it.
        .nest("/api/v1", v1)
        .nest("/auth", crate::auth::routes())
}

/// `api` and `open` behind the middleware of the service; `open` without the guards of the API.
pub fn with_routes(
    state: AppState,
    api: OpenApiRouter<AppState>,
    open: Router<AppState>,
) -> Router {
    let config = &state.config;
    let docs = config.api_docs.then(|| openapi::routes(&describe(api.get_openapi())));

    // Each, outermost first.
    let stack = ServiceBuilder::new()
        // Shutdown waits for the log line and the span of each request, too.
        .layer(Around(state.in_flight.clone()))
        // Before the rest: every log line and every problem names the request.
        .layer(Identify::new(config))
        // Outside of layers that may answer by themselves, so that no response goes uncounted.
        .layer(Around(Observe))
        // On errors too.
        .map_response(middleware::security_headers::add)
        // Outside of every refusal, or a browser hides the reason from its page.
        .layer(option_layer(middleware::cors::layer(config)))
        // Outside of the layers below, whose own errors are bare.
        .map_response(middleware::problems::rewrite)
        .layer(Around(accept::Encoding))
        .layer(Around(compression::Tag))
        .layer(from_fn_with_state(waiting::memory(config), waiting::bound))
        .layer(compression::layer(config))
        .map_response(waiting::share)
        .layer(middleware::panics::layer())
        // Includes reading the body, so that a slow one ends.
        .layer(Deadline::new(config))
        // Limits every handler; axum's own limit knows its extractors alone.
        .layer(RequestBodyLimitLayer::new(config.body_limit_bytes as usize))
        .layer(DefaultBodyLimit::disable())
        .map_request(|request: Request<_>| request.map(Body::new))
        // A copy is made for every request, up to here.
        .layer(Share)
        // Middleware of your own:
        ;
    let admission = ServiceBuilder::new()
        // Before the limit, whose budgets may be on another host.
        .layer(Around(Shed::new(config)))
        // Before the limit, which counts by account.
        .layer(Around(crate::auth::Recognise(state.auth.clone())))
        // Unknown paths count too: a scanner asks for them.
        .layer(Behind(rate_limit::Enforce(state.rate_limit.clone())));
    let content = ServiceBuilder::new().layer(Around(accept::Json)).map_response(waiting::own);
    // A request that is refused here has been counted and logged.
    let guards = ServiceBuilder::new()
        .layer(Behind(crate::auth::Guard(state.auth.clone())))
        // Guards of your own:
        ;

    // All layers of a route at once: a router copies and allocates for each `layer` that it has had.
    let api = Router::from(api).layer((stack.clone(), admission.clone(), content.clone(), guards));
    let open = open.layer((stack.clone(), admission.clone(), content));
    let others = Router::new()
        .merge(Router::from(problem::routes()))
        .merge(docs.unwrap_or_default())
        .merge(static_files::routes(config.static_max_age))
        .fallback(async || Error::NotFound)
        .layer((stack.clone(), admission));
    let probes = Router::from(health::routes()).layer(stack);
    Router::new().merge(api).merge(open).merge(others).merge(probes).with_state(state)
}

/// `app`, and the parts that the server needs.
pub fn service(state: &AppState, app: Router) -> Service {
    Service {
        app,
        management: management(state),
        health: state.health.clone(),
        in_flight: state.in_flight.clone(),
        background: state.background.clone(),
        close: {
            let state = state.clone();
            Box::pin(async move { state.close().await })
        },
    }
}

/// The metrics, and the probes once more: a flood of clients cannot fill this listener.
fn management(state: &AppState) -> Router {
    telemetry::metrics::app(state.metrics.clone())
        .merge(Router::from(health::routes()).with_state(state.health.clone()))
        .layer(Identify::new(&state.config))
}

/// The API's description, as committed in `openapi.json`.
pub fn openapi() -> OpenApi {
    describe(routes().get_openapi())
}

fn describe(api: &OpenApi) -> OpenApi {
    #[allow(unused_mut, reason = "guards add to it")]
    let mut api = api.clone();
    crate::auth::describe(&mut api);
    openapi::describe(api)
}
