//! Orders over HTTP.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{dto, service};
use crate::{
    auth::CurrentUser,
    error::{AppError, Problem},
    etag::{self, IfMatch, IfNoneMatch},
    extract::{Path, Query, ValidJson},
    idempotency::{IdempotencyKey, Once},
    merge_patch::MergePatch,
    state::AppState,
};

/// The routes of this module, below `/api/v1`.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(create_batch))
        .routes(routes!(get, replace, change, delete))
}

/// Orders, page by page.
#[utoipa::path(get, path = "/orders", operation_id = "orders_list", tag = "orders",
    params(dto::OrderQuery),
    responses((status = 200, description = "A page of orders", body = dto::OrderPage)))]
async fn list(
    State(state): State<AppState>,
    user: CurrentUser,
    Query(query): Query<dto::OrderQuery>,
) -> Result<Json<dto::OrderPage>, AppError> {
    let (filter, ask, include) = query.into_parts();
    let (page, included) = service::list(&state, user, filter, ask, include).await?;
    Ok(Json(dto::OrderPage::with(page, &included)))
}

/// Makes an order.
#[utoipa::path(post, path = "/orders", operation_id = "orders_create", tag = "orders",
    params(IdempotencyKey), request_body = dto::NewOrder,
    responses(
        (status = 201, description = "The order", body = dto::Order, headers(
            ("Location" = String, description = "Its address"),
            ("ETag" = String, description = "Its version"),
            ("Idempotency-Replayed" = Option<String>, description = "Of a key sent before: `true`"),
        )),
        (status = 409, description = "Another one has such a value, or a request with this key is still being served",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn create(
    State(state): State<AppState>,
    user: CurrentUser,
    Once { body, key }: Once<dto::NewOrder>,
) -> Result<Response, AppError> {
    key.run_statement(&state.db, async |db| {
        let order = service::create(db, user, body.into()).await?;
        let location = format!("/api/v1/orders/{}", order.id);
        Ok(etag::created(&location, order.version, dto::Order::from(order)))
    })
    .await
}

/// Makes many orders at once: all of them, or none.
#[utoipa::path(post, path = "/orders/batch", operation_id = "orders_create_batch", tag = "orders",
    params(IdempotencyKey), request_body = dto::NewOrderBatch,
    responses(
        (status = 201, description = "The orders", body = dto::OrderBatch, headers(
            ("Idempotency-Replayed" = Option<String>, description = "Of a key sent before: `true`"),
        )),
        (status = 409, description = "Another one has such a value, or a request with this key is still being served",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn create_batch(
    State(state): State<AppState>,
    user: CurrentUser,
    Once { body, key }: Once<dto::NewOrderBatch>,
) -> Result<Response, AppError> {
    key.run(&state.db, async |db| {
        let new = body.items.into_iter().map(Into::into).collect();
        let made = service::create_all(db, user, new).await?;
        let items = made.into_iter().map(Into::into).collect();
        Ok((StatusCode::CREATED, Json(dto::OrderBatch { items })).into_response())
    })
    .await
}

/// One order.
#[utoipa::path(get, path = "/orders/{id}", operation_id = "orders_get", tag = "orders",
    params(("id" = Uuid, Path, description = "Which order"), IfNoneMatch),
    responses(
        (status = 200, description = "The order", body = dto::Order, headers(
            ("ETag" = String, description = "Its version"),
        )),
        (status = 304, description = "The client has this version"),
    ))]
async fn get(
    State(state): State<AppState>,
    user: CurrentUser,
    Path(id): Path<Uuid>,
    if_none_match: IfNoneMatch,
) -> Result<Response, AppError> {
    let order = service::get(&state, user, id).await?;
    Ok(if_none_match.answer(order.version, order))
}

/// Puts another order in the place of one. What is left out is as in a new one.
#[utoipa::path(put, path = "/orders/{id}", operation_id = "orders_replace", tag = "orders",
    params(("id" = Uuid, Path, description = "Which order"), IfMatch), request_body = dto::NewOrder,
    responses(
        (status = 200, description = "The order", body = dto::Order, headers(
            ("ETag" = String, description = "Its version"),
        )),
        (status = 409, description = "Another one has such a value",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn replace(
    State(state): State<AppState>,
    user: CurrentUser,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    ValidJson(body): ValidJson<dto::NewOrder>,
) -> Result<Response, AppError> {
    let order = service::replace(&state, user, id, &if_match, body.into()).await?;
    Ok(etag::tagged(order.version, dto::Order::from(order)))
}

/// Changes some of an order.
#[utoipa::path(patch, path = "/orders/{id}", operation_id = "orders_change", tag = "orders",
    params(("id" = Uuid, Path, description = "Which order"), IfMatch),
    request_body(content(
        (dto::OrderPatch = "application/merge-patch+json"),
        (dto::OrderPatch = "application/json"),
    )),
    responses(
        (status = 200, description = "The order", body = dto::Order, headers(
            ("ETag" = String, description = "Its version"),
        )),
        (status = 409, description = "Another one has such a value",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn change(
    State(state): State<AppState>,
    user: CurrentUser,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    MergePatch(patch): MergePatch<dto::OrderPatch>,
) -> Result<Response, AppError> {
    let order = service::change(&state, user, id, &if_match, patch.into()).await?;
    Ok(etag::tagged(order.version, dto::Order::from(order)))
}

/// Deletes an order.
#[utoipa::path(delete, path = "/orders/{id}", operation_id = "orders_delete", tag = "orders",
    params(("id" = Uuid, Path, description = "Which order"), IfMatch),
    responses(
        (status = 204, description = "It is gone"),
    ))]
async fn delete(
    State(state): State<AppState>,
    user: CurrentUser,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
) -> Result<StatusCode, AppError> {
    service::delete(&state, user, id, &if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}
