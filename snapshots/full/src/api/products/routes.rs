//! Products over HTTP.

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
    auth::Admin,
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

/// List products.
#[utoipa::path(get, path = "/products", operation_id = "products_list", tag = "products",
    params(dto::ProductListing),
    responses((status = 200, description = "A page of products.", body = dto::ProductPage)))]
async fn list(
    State(service): State<Service>,
    listing: dto::ProductListing,
) -> Result<Json<dto::ProductPage>, Error> {
    service.list(listing).await.map(Json)
}

/// Create a product. Requires an administrator.
#[utoipa::path(post, path = "/products", operation_id = "products_create", tag = "products", security(("bearer" = ["admin"])),
    params(IdempotencyKey), request_body = dto::NewProduct,
    responses((status = 201, description = "The new product.", body = dto::ProductResponse)))]
async fn create(
    State(service): State<Service>,
    _: Admin,
    Once { body, key }: Once<dto::NewProduct>,
) -> Result<Response, Error> {
    let write = key.run_statement(&service.db, async |db| {
        let item = Service::create(db, body).await?;
        let location = format!("/api/v1/products/{}", item.id);
        Ok(etag::created(&location, item.version, item))
    });
    // Boxed: each function that awaits it would hold a copy of its state.
    service.creating(Box::pin(write)).await
}

/// Create up to 100 products, all or none. Requires an administrator.
#[utoipa::path(post, path = "/products/batch", operation_id = "products_create_batch", tag = "products", security(("bearer" = ["admin"])),
    params(IdempotencyKey), request_body = dto::NewProductBatch,
    responses((status = 201, description = "The new products.", body = dto::ProductBatch)))]
async fn create_batch(
    State(service): State<Service>,
    _: Admin,
    Once { body, key }: Once<dto::NewProductBatch>,
) -> Result<Response, Error> {
    let write = key.run(&service.db, async |db| {
        let batch = Service::create_all(db, &body.items).await?;
        Ok((StatusCode::CREATED, Json(batch)).into_response())
    });
    // Boxed: each function that awaits it would hold a copy of its state.
    service.creating(Box::pin(write)).await
}

/// Update up to 100 products with the same changes, all or none. Requires an administrator.
#[utoipa::path(patch, path = "/products/batch", operation_id = "products_change_batch", tag = "products", security(("bearer" = ["admin"])),
    request_body = dto::ProductPatchBatch,
    responses((status = 200, description = "The updated products.", body = dto::ProductBatch)))]
async fn change_batch(
    State(service): State<Service>,
    _: Admin,
    Changes(batch): Changes<dto::ProductPatch>,
) -> Result<Json<dto::ProductBatch>, Error> {
    service.change_all(batch).await.map(Json)
}

/// Get a product.
#[utoipa::path(get, path = "/products/{id}", operation_id = "products_get", tag = "products",
    params(("id" = Uuid, Path, description = "ID of the product."), IfNoneMatch),
    responses((status = 200, description = "The product.", body = dto::ProductResponse)))]
async fn get(
    State(service): State<Service>,
    Path(id): Path<Uuid>,
    if_none_match: IfNoneMatch,
) -> Result<Response, Error> {
    let item = service.encoded(id).await?;
    if_none_match.answer(item.version, item)
}

/// Replace a product. Omitted fields take their defaults, but these keep their values: `supplier_code`. Requires an administrator.
#[utoipa::path(put, path = "/products/{id}", operation_id = "products_replace", tag = "products", security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path, description = "ID of the product."), IfMatch), request_body = dto::ProductReplacement,
    responses((status = 200, description = "The updated product.", body = dto::ProductResponse)))]
async fn replace(
    State(service): State<Service>,
    _: Admin,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    ValidJson(new): ValidJson<dto::ProductReplacement>,
) -> Result<Response, Error> {
    let item = service.replace(id, &if_match, new).await?;
    Ok(etag::tagged(item.version, item))
}

/// Update a product. Omitted fields keep their values; `null` clears a field. Requires an administrator.
#[utoipa::path(patch, path = "/products/{id}", operation_id = "products_change", tag = "products", security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path, description = "ID of the product."), IfMatch),
    request_body(content(
        (dto::ProductPatch = "application/merge-patch+json"),
        (dto::ProductPatch = "application/json"),
    )),
    responses((status = 200, description = "The updated product.", body = dto::ProductResponse)))]
async fn change(
    State(service): State<Service>,
    _: Admin,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    MergePatch(patch): MergePatch<dto::ProductPatch>,
) -> Result<Response, Error> {
    let item = service.change(id, &if_match, patch).await?;
    Ok(etag::tagged(item.version, item))
}

/// Delete a product. Requires an administrator.
#[utoipa::path(delete, path = "/products/{id}", operation_id = "products_delete", tag = "products", security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path, description = "ID of the product."), IfMatch),
    responses((status = 204, description = "The product is deleted.")))]
async fn delete(
    State(service): State<Service>,
    _: Admin,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
) -> Result<StatusCode, Error> {
    service.delete(id, &if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}
