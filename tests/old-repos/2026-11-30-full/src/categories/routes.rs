//! Categories over HTTP.

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

/// Categories, page by page.
#[utoipa::path(get, path = "/categories", operation_id = "categories_list", tag = "categories",
    params(dto::CategoryQuery),
    responses((status = 200, description = "A page of categories", body = dto::CategoryPage)))]
async fn list(
    State(state): State<AppState>,
    Query(query): Query<dto::CategoryQuery>,
) -> Result<Json<dto::CategoryPage>, AppError> {
    let (filter, ask, include) = query.into_parts();
    let (page, included) = service::list(&state, filter, ask, include).await?;
    Ok(Json(dto::CategoryPage::with(page, &included)))
}

/// Makes a category.
#[utoipa::path(post, path = "/categories", operation_id = "categories_create", tag = "categories",
    params(IdempotencyKey), request_body = dto::NewCategory,
    responses(
        (status = 201, description = "The category", body = dto::Category, headers(
            ("Location" = String, description = "Its address"),
            ("ETag" = String, description = "Its version"),
            ("Idempotency-Replayed" = Option<String>, description = "Of a key sent before: `true`"),
        )),
        (status = 409, description = "Another one has such a value, or a request with this key is still being served",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn create(
    State(state): State<AppState>,
    Once { body, key }: Once<dto::NewCategory>,
) -> Result<Response, AppError> {
    key.run_statement(&state.db, async |db| {
        let category = service::create(db, body.into()).await?;
        let location = format!("/api/v1/categories/{}", category.id);
        Ok(etag::created(&location, category.version, dto::Category::from(category)))
    })
    .await
}

/// Makes many categories at once: all of them, or none.
#[utoipa::path(post, path = "/categories/batch", operation_id = "categories_create_batch", tag = "categories",
    params(IdempotencyKey), request_body = dto::NewCategoryBatch,
    responses(
        (status = 201, description = "The categories", body = dto::CategoryBatch, headers(
            ("Idempotency-Replayed" = Option<String>, description = "Of a key sent before: `true`"),
        )),
        (status = 409, description = "Another one has such a value, or a request with this key is still being served",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn create_batch(
    State(state): State<AppState>,
    Once { body, key }: Once<dto::NewCategoryBatch>,
) -> Result<Response, AppError> {
    key.run(&state.db, async |db| {
        let new = body.items.into_iter().map(Into::into).collect();
        let made = service::create_all(db, new).await?;
        let items = made.into_iter().map(Into::into).collect();
        Ok((StatusCode::CREATED, Json(dto::CategoryBatch { items })).into_response())
    })
    .await
}

/// One category.
#[utoipa::path(get, path = "/categories/{id}", operation_id = "categories_get", tag = "categories",
    params(("id" = Uuid, Path, description = "Which category"), IfNoneMatch),
    responses(
        (status = 200, description = "The category", body = dto::Category, headers(
            ("ETag" = String, description = "Its version"),
        )),
        (status = 304, description = "The client has this version"),
    ))]
async fn get(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    if_none_match: IfNoneMatch,
) -> Result<Response, AppError> {
    let category = service::get(&state, id).await?;
    Ok(if_none_match.answer(category.version, category))
}

/// Puts another category in the place of one. What is left out is as in a new one.
#[utoipa::path(put, path = "/categories/{id}", operation_id = "categories_replace", tag = "categories",
    params(("id" = Uuid, Path, description = "Which category"), IfMatch), request_body = dto::NewCategory,
    responses(
        (status = 200, description = "The category", body = dto::Category, headers(
            ("ETag" = String, description = "Its version"),
        )),
        (status = 409, description = "Another one has such a value",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn replace(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    ValidJson(body): ValidJson<dto::NewCategory>,
) -> Result<Response, AppError> {
    let category = service::replace(&state, id, &if_match, body.into()).await?;
    Ok(etag::tagged(category.version, dto::Category::from(category)))
}

/// Changes some of a category.
#[utoipa::path(patch, path = "/categories/{id}", operation_id = "categories_change", tag = "categories",
    params(("id" = Uuid, Path, description = "Which category"), IfMatch),
    request_body(content(
        (dto::CategoryPatch = "application/merge-patch+json"),
        (dto::CategoryPatch = "application/json"),
    )),
    responses(
        (status = 200, description = "The category", body = dto::Category, headers(
            ("ETag" = String, description = "Its version"),
        )),
        (status = 409, description = "Another one has such a value",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn change(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    MergePatch(patch): MergePatch<dto::CategoryPatch>,
) -> Result<Response, AppError> {
    let category = service::change(&state, id, &if_match, patch.into()).await?;
    Ok(etag::tagged(category.version, dto::Category::from(category)))
}

/// Deletes a category.
#[utoipa::path(delete, path = "/categories/{id}", operation_id = "categories_delete", tag = "categories",
    params(("id" = Uuid, Path, description = "Which category"), IfMatch),
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
