//! What can be done with orders.

use std::collections::HashSet;

use uuid::Uuid;

use super::{
    domain::{NewOrder, Order, OrderChanges, OrderFilter, OrderInclude, OrderIncluded},
    repo,
};
use crate::{
    customers,
    db::{self, Connection},
    error::AppError,
    etag::IfMatch,
    paging::{Ask, Page, Paging},
    state::AppState,
};

/// A page of orders, and what is included.
pub async fn list(
    state: &AppState,
    filter: OrderFilter,
    ask: Ask,
    include: OrderInclude,
) -> Result<(Page<Order>, OrderIncluded), AppError> {
    let paging = Paging::new(&repo::SORTING, ask)?;
    let page = repo::list(&state.db, filter, paging).await?;
    let mut included = OrderIncluded::default();
    if include.customer {
        let ids: HashSet<_> = page.items.iter().map(|order| order.customer_id).collect();
        included.customers = customers::service::find_all(state, ids).await?;
    }
    Ok((page, included))
}

/// One order.
pub async fn get(state: &AppState, id: Uuid) -> Result<Order, AppError> {
    repo::find(&state.db, id).await?.ok_or(AppError::NotFound)
}

/// Makes an order, as part of a transaction.
pub async fn create(db: &mut Connection, new: NewOrder) -> Result<Order, AppError> {
    repo::insert(db, Uuid::now_v7(), &new).await
}

/// Makes all of these, as part of a transaction.
pub async fn create_all(db: &mut Connection, new: Vec<NewOrder>) -> Result<Vec<Order>, AppError> {
    // Each is greater than the one before, so that they come back in this order.
    let ids: Vec<_> = new.iter().map(|_| Uuid::now_v7()).collect();
    repo::insert_all(db, &ids, &new).await
}

/// Puts `new` in the place of an order.
pub async fn replace(
    state: &AppState,
    id: Uuid,
    if_match: &IfMatch,
    new: NewOrder,
) -> Result<Order, AppError> {
    edit(state, id, if_match, |order| order.replace(new)).await
}

/// Changes some of an order.
pub async fn change(
    state: &AppState,
    id: Uuid,
    if_match: &IfMatch,
    changes: OrderChanges,
) -> Result<Order, AppError> {
    edit(state, id, if_match, |order| order.change(changes)).await
}

/// Changes an order that nobody else changes meanwhile.
async fn edit(
    state: &AppState,
    id: Uuid,
    if_match: &IfMatch,
    change: impl FnOnce(&mut Order) -> Result<(), AppError>,
) -> Result<Order, AppError> {
    let mut transaction = db::begin(&state.db).await?;
    let before = repo::lock(&mut transaction, id).await?.ok_or(AppError::NotFound)?;
    if_match.check(before.version)?;
    let mut order = before.clone();
    change(&mut order)?;
    // What stays as it was is no new version.
    if order == before {
        return Ok(before);
    }
    let order = repo::update(&mut transaction, &order).await?;
    transaction.commit().await?;
    Ok(order)
}

/// Deletes an order.
pub async fn delete(state: &AppState, id: Uuid, if_match: &IfMatch) -> Result<(), AppError> {
    let mut transaction = db::begin(&state.db).await?;
    let order = repo::lock(&mut transaction, id).await?.ok_or(AppError::NotFound)?;
    if_match.check(order.version)?;
    repo::delete(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(())
}
