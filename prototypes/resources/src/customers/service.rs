//! What can be done with customers.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    domain::{Customer, CustomerChanges, CustomerFilter, NewCustomer},
    repo,
};
use crate::{
    db::{self, Connection},
    error::AppError,
    etag::IfMatch,
    paging::{Ask, Page, Paging},
    state::AppState,
};

/// A page of customers.
pub async fn list(
    state: &AppState,
    filter: CustomerFilter,
    ask: Ask,
) -> Result<Page<Customer>, AppError> {
    let paging = Paging::new(&repo::SORTING, ask)?;
    repo::list(&state.db, filter, paging).await
}

/// Customers by their ids, for those that refer to them. One that is gone is left out.
pub async fn find_all(
    state: &AppState,
    ids: HashSet<Uuid>,
) -> Result<HashMap<Uuid, Customer>, AppError> {
    let ids: Vec<_> = ids.into_iter().collect();
    let customers = repo::find_all(&state.db, &ids).await?;
    Ok(customers.into_iter().map(|customer| (customer.id, customer)).collect())
}

/// One customer.
pub async fn get(state: &AppState, id: Uuid) -> Result<Customer, AppError> {
    repo::find(&state.db, id).await?.ok_or(AppError::NotFound)
}

/// Makes a customer, as part of a transaction.
pub async fn create(db: &mut Connection, new: NewCustomer) -> Result<Customer, AppError> {
    repo::insert(db, Uuid::now_v7(), &new).await
}

/// Makes all of these, as part of a transaction.
pub async fn create_all(
    db: &mut Connection,
    new: Vec<NewCustomer>,
) -> Result<Vec<Customer>, AppError> {
    // Each is greater than the one before, so that they come back in this customer.
    let ids: Vec<_> = new.iter().map(|_| Uuid::now_v7()).collect();
    repo::insert_all(db, &ids, &new).await
}

/// Puts `new` in the place of a customer.
pub async fn replace(
    state: &AppState,
    id: Uuid,
    if_match: &IfMatch,
    new: NewCustomer,
) -> Result<Customer, AppError> {
    edit(state, id, if_match, |customer| customer.replace(new)).await
}

/// Changes some of a customer.
pub async fn change(
    state: &AppState,
    id: Uuid,
    if_match: &IfMatch,
    changes: CustomerChanges,
) -> Result<Customer, AppError> {
    edit(state, id, if_match, |customer| customer.change(changes)).await
}

/// Changes a customer that nobody else changes meanwhile.
async fn edit(
    state: &AppState,
    id: Uuid,
    if_match: &IfMatch,
    change: impl FnOnce(&mut Customer) -> Result<(), AppError>,
) -> Result<Customer, AppError> {
    let mut transaction = db::begin(&state.db).await?;
    let before = repo::lock(&mut transaction, id).await?.ok_or(AppError::NotFound)?;
    if_match.check(before.version)?;
    let mut customer = before.clone();
    change(&mut customer)?;
    // What stays as it was is no new version.
    if customer == before {
        return Ok(before);
    }
    let customer = repo::update(&mut transaction, &customer).await?;
    transaction.commit().await?;
    Ok(customer)
}

/// Deletes a customer.
pub async fn delete(state: &AppState, id: Uuid, if_match: &IfMatch) -> Result<(), AppError> {
    let mut transaction = db::begin(&state.db).await?;
    let customer = repo::lock(&mut transaction, id).await?.ok_or(AppError::NotFound)?;
    if_match.check(customer.version)?;
    repo::delete(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(())
}
