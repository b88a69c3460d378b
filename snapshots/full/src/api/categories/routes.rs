//! Categories over HTTP.

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

/// List categories.
#[utoipa::path(get, path = "/categories", operation_id = "categories_list", tag = "categories",
    params(dto::CategoryListing),
    responses((status = 200, description = "A page of categories.", body = dto::CategoryPage)))]
async fn list(
    State(service): State<Service>,
    listing: dto::CategoryListing,
) -> Result<Json<dto::CategoryPage>, Error> {
    service.list(listing).await.map(Json)
}

/// Create a category. Requires an administrator.
#[utoipa::path(post, path = "/categories", operation_id = "categories_create", tag = "categories", security(("bearer" = ["admin"])),
    params(IdempotencyKey), request_body = dto::NewCategory,
    responses((status = 201, description = "The new category.", body = dto::CategoryResponse)))]
async fn create(
    State(service): State<Service>,
    _: Admin,
    Once { body, key }: Once<dto::NewCategory>,
) -> Result<Response, Error> {
    let write = key.run_statement(&service.db, async |db| {
        let item = Service::create(db, body).await?;
        let location = format!("/api/v1/categories/{}", item.id);
        Ok(etag::created(&location, item.version, item))
    });
    // Boxed: each function that awaits it would hold a copy of its state.
    service.creating(Box::pin(write)).await
}

/// Create up to 100 categories, all or none. Requires an administrator.
#[utoipa::path(post, path = "/categories/batch", operation_id = "categories_create_batch", tag = "categories", security(("bearer" = ["admin"])),
    params(IdempotencyKey), request_body = dto::NewCategoryBatch,
    responses((status = 201, description = "The new categories.", body = dto::CategoryBatch)))]
async fn create_batch(
    State(service): State<Service>,
    _: Admin,
    Once { body, key }: Once<dto::NewCategoryBatch>,
) -> Result<Response, Error> {
    let write = key.run(&service.db, async |db| {
        let batch = Service::create_all(db, &body.items).await?;
        Ok((StatusCode::CREATED, Json(batch)).into_response())
    });
    // Boxed: each function that awaits it would hold a copy of its state.
    service.creating(Box::pin(write)).await
}

/// Update up to 100 categories with the same changes, all or none. Requires an administrator.
#[utoipa::path(patch, path = "/categories/batch", operation_id = "categories_change_batch", tag = "categories", security(("bearer" = ["admin"])),
    request_body = dto::CategoryPatchBatch,
    responses((status = 200, description = "The updated categories.", body = dto::CategoryBatch)))]
async fn change_batch(
    State(service): State<Service>,
    _: Admin,
    Changes(batch): Changes<dto::CategoryPatch>,
) -> Result<Json<dto::CategoryBatch>, Error> {
    service.change_all(batch).await.map(Json)
}

/// Get a category.
#[utoipa::path(get, path = "/categories/{id}", operation_id = "categories_get", tag = "categories",
    params(("id" = Uuid, Path, description = "ID of the category."), IfNoneMatch),
    responses((status = 200, description = "The category.", body = dto::CategoryResponse)))]
async fn get(
    State(service): State<Service>,
    Path(id): Path<Uuid>,
    if_none_match: IfNoneMatch,
) -> Result<Response, Error> {
    let item = service.encoded(id).await?;
    if_none_match.answer(item.version, item)
}

/// Replace a category. Omitted fields take their defaults. Requires an administrator.
#[utoipa::path(put, path = "/categories/{id}", operation_id = "categories_replace", tag = "categories", security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path, description = "ID of the category."), IfMatch), request_body = dto::NewCategory,
    responses((status = 200, description = "The updated category.", body = dto::CategoryResponse)))]
async fn replace(
    State(service): State<Service>,
    _: Admin,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    ValidJson(new): ValidJson<dto::NewCategory>,
) -> Result<Response, Error> {
    let item = service.replace(id, &if_match, new).await?;
    Ok(etag::tagged(item.version, item))
}

/// Update a category. Omitted fields keep their values; `null` clears a field. Requires an administrator.
#[utoipa::path(patch, path = "/categories/{id}", operation_id = "categories_change", tag = "categories", security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path, description = "ID of the category."), IfMatch),
    request_body(content(
        (dto::CategoryPatch = "application/merge-patch+json"),
        (dto::CategoryPatch = "application/json"),
    )),
    responses((status = 200, description = "The updated category.", body = dto::CategoryResponse)))]
async fn change(
    State(service): State<Service>,
    _: Admin,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    MergePatch(patch): MergePatch<dto::CategoryPatch>,
) -> Result<Response, Error> {
    let item = service.change(id, &if_match, patch).await?;
    Ok(etag::tagged(item.version, item))
}

/// Delete a category. Requires an administrator.
#[utoipa::path(delete, path = "/categories/{id}", operation_id = "categories_delete", tag = "categories", security(("bearer" = ["admin"])),
    params(("id" = Uuid, Path, description = "ID of the category."), IfMatch),
    responses((status = 204, description = "The category is deleted.")))]
async fn delete(
    State(service): State<Service>,
    _: Admin,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
) -> Result<StatusCode, Error> {
    service.delete(id, &if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}
