//! Customers over HTTP.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    dto::{CreatedCustomers, Customer, CustomerPatch, CustomerQuery, NewCustomer, NewCustomers},
    service,
};
use crate::{
    error::{AppError, Problem},
    etag::{self, IfMatch, IfNoneMatch},
    extract::{Path, Query, ValidJson},
    idempotency::{IdempotencyKey, Once},
    merge_patch::MergePatch,
    paging::Page,
    state::AppState,
};

/// The routes of this module, below `/api/v1`.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(create_all))
        .routes(routes!(get, replace, change, delete))
}

/// Customers, page by page.
#[utoipa::path(get, path = "/customers", operation_id = "list_customers", tag = "customers",
    params(CustomerQuery),
    responses((status = 200, description = "A page of customers", body = Page<Customer>)))]
async fn list(
    State(state): State<AppState>,
    Query(query): Query<CustomerQuery>,
) -> Result<Json<Page<Customer>>, AppError> {
    let (filter, ask) = query.into_parts();
    let page = service::list(&state, filter, ask).await?;
    Ok(Json(page.map(Customer::from)))
}

/// Makes a customer.
#[utoipa::path(post, path = "/customers", operation_id = "create_customer", tag = "customers",
    params(IdempotencyKey), request_body = NewCustomer,
    responses(
        (status = 201, description = "The customer", body = Customer, headers(
            ("Location" = String, description = "Its address"),
            ("ETag" = String, description = "Its version"),
        )),
        (status = 409, description = "Another one has a value that only one may have, or a \
            request with this key is still being served",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn create(
    State(state): State<AppState>,
    Once { body, key }: Once<NewCustomer>,
) -> Result<Response, AppError> {
    key.run(&state.db, async |db| {
        let customer = service::create(db, body.into()).await?;
        let location = format!("/api/v1/customers/{}", customer.id);
        Ok(etag::created(&location, customer.version, Customer::from(customer)))
    })
    .await
}

/// Makes many customers at once: all of them, or none.
#[utoipa::path(post, path = "/customers/batch", operation_id = "create_customers", tag = "customers",
    params(IdempotencyKey), request_body = NewCustomers,
    responses(
        (status = 201, description = "The customers", body = CreatedCustomers),
        (status = 409, description = "Another one has a value that only one may have, or a \
            request with this key is still being served",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn create_all(
    State(state): State<AppState>,
    Once { body, key }: Once<NewCustomers>,
) -> Result<Response, AppError> {
    key.run(&state.db, async |db| {
        let new = body.items.into_iter().map(Into::into).collect();
        let customers = service::create_all(db, new).await?;
        let items = customers.into_iter().map(Into::into).collect();
        Ok((StatusCode::CREATED, Json(CreatedCustomers { items })).into_response())
    })
    .await
}

/// One customer.
#[utoipa::path(get, path = "/customers/{id}", operation_id = "get_customer", tag = "customers",
    params(("id" = Uuid, Path, description = "Which customer"), IfNoneMatch),
    responses(
        (status = 200, description = "The customer", body = Customer, headers(
            ("ETag" = String, description = "Its version"),
        )),
        (status = 304, description = "The client has this version"),
    ))]
async fn get(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    if_none_match: IfNoneMatch,
) -> Result<Response, AppError> {
    let customer = service::get(&state, id).await?;
    Ok(if_none_match.answer(customer.version, Customer::from(customer)))
}

/// Puts another customer in the place of one. What is left out is as in a new one.
#[utoipa::path(put, path = "/customers/{id}", operation_id = "replace_customer", tag = "customers",
    params(("id" = Uuid, Path, description = "Which customer"), IfMatch), request_body = NewCustomer,
    responses(
        (status = 200, description = "The customer", body = Customer, headers(
            ("ETag" = String, description = "Its version"),
        )),
        (status = 409, description = "Another one has a value that only one may have",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn replace(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    ValidJson(body): ValidJson<NewCustomer>,
) -> Result<Response, AppError> {
    let customer = service::replace(&state, id, &if_match, body.into()).await?;
    Ok(etag::tagged(customer.version, Customer::from(customer)))
}

/// Changes some of a customer.
#[utoipa::path(patch, path = "/customers/{id}", operation_id = "change_customer", tag = "customers",
    params(("id" = Uuid, Path, description = "Which customer"), IfMatch),
    request_body(content(
        (CustomerPatch = "application/merge-patch+json"),
        (CustomerPatch = "application/json"),
    )),
    responses(
        (status = 200, description = "The customer", body = Customer, headers(
            ("ETag" = String, description = "Its version"),
        )),
        (status = 409, description = "Another one has a value that only one may have",
            body = Problem, content_type = "application/problem+json"),
    ))]
async fn change(
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    MergePatch(patch): MergePatch<CustomerPatch>,
) -> Result<Response, AppError> {
    let customer = service::change(&state, id, &if_match, patch.into()).await?;
    Ok(etag::tagged(customer.version, Customer::from(customer)))
}

/// Deletes a customer.
#[utoipa::path(delete, path = "/customers/{id}", operation_id = "delete_customer", tag = "customers",
    params(("id" = Uuid, Path, description = "Which customer"), IfMatch),
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
