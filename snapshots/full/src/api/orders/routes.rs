//! Orders over HTTP.

use axum::{
    Json,
    extract::{FromRef, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{dto, service::Service};
use crate::{
    auth::CurrentUser,
    cache::Cache,
    db,
    error::Error,
    http::{
        Shared,
        batch::Changes,
        etag::{self, IfMatch, IfNoneMatch},
        extract::{Path, ValidJson},
        idempotency::{IdempotencyKey, Once},
        merge_patch::MergePatch,
        parts::from_parts,
    },
};

/// Routes below `/api/v1`.
pub fn routes<S: Shared>() -> OpenApiRouter<S>
where
    Service: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(create_batch, change_batch))
        .routes(routes!(get, replace, change, delete))
}

from_parts!(Service { db: db::Pool, cache: Cache });

/// List orders.
#[utoipa::path(get, path = "/orders", operation_id = "orders_list", tag = "orders", security(("bearer" = ["owner"])),
    params(dto::OrderListing),
    responses((status = 200, description = "A page of orders.", body = dto::OrderPage)))]
async fn list(
    State(service): State<Service>,
    user: CurrentUser,
    listing: dto::OrderListing,
) -> Result<Json<dto::OrderPage>, Error> {
    service.list(user, listing).await.map(Json)
}

/// Create an order.
#[utoipa::path(post, path = "/orders", operation_id = "orders_create", tag = "orders", security(("bearer" = ["owner"])),
    params(IdempotencyKey), request_body = dto::NewOrder,
    responses((status = 201, description = "The new order.", body = dto::OrderResponse)))]
async fn create(
    State(service): State<Service>,
    user: CurrentUser,
    Once { body, key }: Once<dto::NewOrder>,
) -> Result<Response, Error> {
    let write = key.run_statement(&service.db, async |db| {
        let item = Service::create(db, user, body).await?;
        let location = format!("/api/v1/orders/{}", item.id);
        Ok(etag::created(&location, item.version, item))
    });
    // Boxed: each function that awaits it would hold a copy of its state.
    service.creating(Box::pin(write)).await
}

/// Create up to 100 orders, all or none.
#[utoipa::path(post, path = "/orders/batch", operation_id = "orders_create_batch", tag = "orders", security(("bearer" = ["owner"])),
    params(IdempotencyKey), request_body = dto::NewOrderBatch,
    responses((status = 201, description = "The new orders.", body = dto::OrderBatch)))]
async fn create_batch(
    State(service): State<Service>,
    user: CurrentUser,
    Once { body, key }: Once<dto::NewOrderBatch>,
) -> Result<Response, Error> {
    let write = key.run(&service.db, async |db| {
        let batch = Service::create_all(db, user, &body.items).await?;
        Ok((StatusCode::CREATED, Json(batch)).into_response())
    });
    // Boxed: each function that awaits it would hold a copy of its state.
    service.creating(Box::pin(write)).await
}

/// Update up to 100 orders with the same changes, all or none.
#[utoipa::path(patch, path = "/orders/batch", operation_id = "orders_change_batch", tag = "orders", security(("bearer" = ["owner"])),
    request_body = dto::OrderPatchBatch,
    responses((status = 200, description = "The updated orders.", body = dto::OrderBatch)))]
async fn change_batch(
    State(service): State<Service>,
    user: CurrentUser,
    Changes(batch): Changes<dto::OrderPatch>,
) -> Result<Json<dto::OrderBatch>, Error> {
    service.change_all(user, batch).await.map(Json)
}

/// Get an order.
#[utoipa::path(get, path = "/orders/{id}", operation_id = "orders_get", tag = "orders", security(("bearer" = ["owner"])),
    params(("id" = Uuid, Path, description = "ID of the order."), IfNoneMatch),
    responses((status = 200, description = "The order.", body = dto::OrderResponse)))]
async fn get(
    State(service): State<Service>,
    user: CurrentUser,
    Path(id): Path<Uuid>,
    if_none_match: IfNoneMatch,
) -> Result<Response, Error> {
    let item = service.encoded(user, id).await?;
    if_none_match.answer(item.version, item)
}

/// Replace an order. Omitted fields take their defaults, but these keep their values: `placed_at`.
#[utoipa::path(put, path = "/orders/{id}", operation_id = "orders_replace", tag = "orders", security(("bearer" = ["owner"])),
    params(("id" = Uuid, Path, description = "ID of the order."), IfMatch), request_body = dto::OrderReplacement,
    responses((status = 200, description = "The updated order.", body = dto::OrderResponse)))]
async fn replace(
    State(service): State<Service>,
    user: CurrentUser,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    ValidJson(new): ValidJson<dto::OrderReplacement>,
) -> Result<Response, Error> {
    let item = service.replace(user, id, &if_match, new).await?;
    Ok(etag::tagged(item.version, item))
}

/// Update an order. Omitted fields keep their values; `null` clears a field.
#[utoipa::path(patch, path = "/orders/{id}", operation_id = "orders_change", tag = "orders", security(("bearer" = ["owner"])),
    params(("id" = Uuid, Path, description = "ID of the order."), IfMatch),
    request_body(content(
        (dto::OrderPatch = "application/merge-patch+json"),
        (dto::OrderPatch = "application/json"),
    )),
    responses((status = 200, description = "The updated order.", body = dto::OrderResponse)))]
async fn change(
    State(service): State<Service>,
    user: CurrentUser,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    MergePatch(patch): MergePatch<dto::OrderPatch>,
) -> Result<Response, Error> {
    let item = service.change(user, id, &if_match, patch).await?;
    Ok(etag::tagged(item.version, item))
}

/// Delete an order.
#[utoipa::path(delete, path = "/orders/{id}", operation_id = "orders_delete", tag = "orders", security(("bearer" = ["owner"])),
    params(("id" = Uuid, Path, description = "ID of the order."), IfMatch),
    responses((status = 204, description = "The order is deleted.")))]
async fn delete(
    State(service): State<Service>,
    user: CurrentUser,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
) -> Result<StatusCode, Error> {
    service.delete(user, id, &if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}
