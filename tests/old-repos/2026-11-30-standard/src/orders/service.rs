//! What can be done with orders.

use std::collections::HashSet;

use uuid::Uuid;

use super::{
    domain::{NewOrder, Order, OrderChanges, OrderFilter, OrderInclude, OrderIncluded},
    dto, repo,
};
use crate::{cache, db, error::AppError, etag, paging, state::AppState};

/// What they are called in the cache.
const CACHED: &str = "orders";

/// A page of orders, and what is included.
pub async fn list(
    state: &AppState,
    filter: OrderFilter,
    ask: paging::Ask,
    include: OrderInclude,
) -> Result<(paging::Page<Order>, OrderIncluded), AppError> {
    let paging = paging::Paging::new(&repo::SORTING, ask)?;
    let page = repo::list(&state.db, filter, paging).await?;
    let mut included = OrderIncluded::default();
    if include.customer {
        let ids: HashSet<_> = page.items.iter().map(|order| order.customer_id).collect();
        included.customer = crate::user_refs::find_all(&state.db, ids).await?;
    }
    Ok((page, included))
}

/// One order, from the cache where it is there: as clients see it, so that nothing private leaves the service.
pub async fn get(state: &AppState, id: Uuid) -> Result<dto::Order, AppError> {
    let load = || async {
        let order = repo::find(&state.db, id).await?;
        Ok::<_, AppError>(order.map(dto::Order::from))
    };
    let order = state.cache.get_or_load(&cache::Key::entity(CACHED, id), load).await?;
    order.ok_or(AppError::NotFound)
}

/// Makes an order, in one statement.
pub async fn create(db: &mut db::Connection, new: NewOrder) -> Result<Order, AppError> {
    repo::insert(db, Uuid::now_v7(), &new).await
}

/// Makes all of these, as part of a transaction.
pub async fn create_all(
    db: &mut db::Connection,
    new: Vec<NewOrder>,
) -> Result<Vec<Order>, AppError> {
    // Each is greater than the one before, so that they come back in the order of the request.
    let ids: Vec<_> = new.iter().map(|_| Uuid::now_v7()).collect();
    repo::insert_all(db, &ids, &new).await
}

/// Puts `new` in the place of an order.
pub async fn replace(
    state: &AppState,
    id: Uuid,
    if_match: &etag::IfMatch,
    new: NewOrder,
) -> Result<Order, AppError> {
    edit(state, id, if_match, |order| order.replace(new)).await
}

/// Changes some of an order.
pub async fn change(
    state: &AppState,
    id: Uuid,
    if_match: &etag::IfMatch,
    changes: OrderChanges,
) -> Result<Order, AppError> {
    edit(state, id, if_match, |order| order.change(changes)).await
}

/// Changes an order that nobody else changes meanwhile.
async fn edit(
    state: &AppState,
    id: Uuid,
    if_match: &etag::IfMatch,
    change: impl FnOnce(&mut Order) -> Result<(), AppError>,
) -> Result<Order, AppError> {
    let mut transaction = db::begin(&state.db).await?;
    let before = lock(&mut transaction, id).await?;
    if_match.check(before.version)?;
    let mut order = before.clone();
    change(&mut order)?;
    // What stays as it was is no new version.
    if order == before {
        return Ok(before);
    }
    let order = repo::update(&mut transaction, order).await?;
    transaction.commit().await?;
    state.cache.invalidate(CACHED, [id]).await;
    Ok(order)
}

/// Deletes an order.
pub async fn delete(state: &AppState, id: Uuid, if_match: &etag::IfMatch) -> Result<(), AppError> {
    let mut transaction = db::begin(&state.db).await?;
    let order = lock(&mut transaction, id).await?;
    if_match.check(order.version)?;
    repo::delete(&mut transaction, id).await?;
    transaction.commit().await?;
    state.cache.invalidate(CACHED, [id]).await;
    Ok(())
}

/// One that is there.
async fn lock(db: &mut db::Connection, id: Uuid) -> Result<Order, AppError> {
    let order = repo::lock(db, id).await?;
    order.ok_or(AppError::NotFound)
}
