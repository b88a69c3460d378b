//! Products over HTTP.

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

/// Products, page by page.
#[utoipa::path(get, path = "/products", operation_id = "products_list", tag = "products",
    params(dto::ProductQuery),
    responses((status = 200, description = "A page of products", body = dto::ProductPage)))]
async fn list(
    State(state): State<AppState>,
    Query(query): Query<dto::ProductQuery>,
) -> Result<Json<dto::ProductPage>, AppError> {
    let (filter, ask, include) = query.into_parts();
    let (page, included) = service::list(&state, filter, ask, include).await?;
    Ok(Json(dto::ProductPage::with(page, &included)))
}

/// Makes a product.
#[utoipa::path(post, path = "/products", operation_id = "products_create", tag = "products",
    params(IdempotencyKey), request_body = dto::NewProduct,
    responses(
        (status = 201, description = "The product", body = dto::Product, headers(
            ("Location" = String, description = "Its address"),
            ("ETag" = String, description = "Its version"),
            ("Idempotency-Replayed" = Option<String>, description = "Of a key sent before: `true`"),
        )),
        (status = 409, description = "Another one has such a value, or a request with this key is still being served",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn create(
    State(state): State<AppState>,
    Once { body, key }: Once<dto::NewProduct>,
) -> Result<Response, AppError> {
    key.run_statement(&state.db, async |db| {
        let product = service::create(db, body.into()).await?;
        let location = format!("/api/v1/products/{}", product.id);
        Ok(etag::created(&location, product.version, dto::Product::from(product)))
    })
    .await
}

/// Makes many products at once: all of them, or none.
#[utoipa::path(post, path = "/products/batch", operation_id = "products_create_batch", tag = "products",
    params(IdempotencyKey), request_body = dto::NewProductBatch,
    responses(
        (status = 201, description = "The products", body = dto::ProductBatch, headers(
            ("Idempotency-Replayed" = Option<String>, description = "Of a key sent before: `true`"),
        )),
        (status = 409, description = "Another one has such a value, or a request with this key is still being served",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn create_batch(
    State(state): State<AppState>,
    Once { body, key }: Once<dto::NewProductBatch>,
) -> Result<Response, AppError> {
    key.run(&state.db, async |db| {
        let new = body.items.into_iter().map(Into::into).collect();
        let made = service::create_all(db, new).await?;
        let items = made.into_iter().map(Into::into).collect();
        Ok((StatusCode::CREATED, Json(dto::ProductBatch { items })).into_response())
    })
    .await
}

/// One product.
#[utoipa::path(get, path = "/products/{id}", operation_id = "products_get", tag = "products",
    params(("id" = Uuid, Path, description = "Which product"), IfNoneMatch),
    responses(
        (status = 200, description = "The product", body = dto::Product, headers(
            ("ETag" = String, description = "Its version"),
        )),
        (status = 304, description = "The client has this version"),
    ))]
async fn get(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    if_none_match: IfNoneMatch,
) -> Result<Response, AppError> {
    let product = service::get(&state, id).await?;
    Ok(if_none_match.answer(product.version, product))
}

/// Puts another product in the place of one. What is left out is as in a new one.
#[utoipa::path(put, path = "/products/{id}", operation_id = "products_replace", tag = "products",
    params(("id" = Uuid, Path, description = "Which product"), IfMatch), request_body = dto::NewProduct,
    responses(
        (status = 200, description = "The product", body = dto::Product, headers(
            ("ETag" = String, description = "Its version"),
        )),
        (status = 409, description = "Another one has such a value",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn replace(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    ValidJson(body): ValidJson<dto::NewProduct>,
) -> Result<Response, AppError> {
    let product = service::replace(&state, id, &if_match, body.into()).await?;
    Ok(etag::tagged(product.version, dto::Product::from(product)))
}

/// Changes some of a product.
#[utoipa::path(patch, path = "/products/{id}", operation_id = "products_change", tag = "products",
    params(("id" = Uuid, Path, description = "Which product"), IfMatch),
    request_body(content(
        (dto::ProductPatch = "application/merge-patch+json"),
        (dto::ProductPatch = "application/json"),
    )),
    responses(
        (status = 200, description = "The product", body = dto::Product, headers(
            ("ETag" = String, description = "Its version"),
        )),
        (status = 409, description = "Another one has such a value",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn change(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    MergePatch(patch): MergePatch<dto::ProductPatch>,
) -> Result<Response, AppError> {
    let product = service::change(&state, id, &if_match, patch.into()).await?;
    Ok(etag::tagged(product.version, dto::Product::from(product)))
}

/// Deletes a product.
#[utoipa::path(delete, path = "/products/{id}", operation_id = "products_delete", tag = "products",
    params(("id" = Uuid, Path, description = "Which product"), IfMatch),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, description = "It is still referred to",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn delete(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
) -> Result<StatusCode, AppError> {
    service::delete(&state, id, &if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}
