//! What can be done with products.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    domain::{NewProduct, Product, ProductChanges, ProductFilter, ProductInclude, ProductIncluded},
    dto, repo,
};
use crate::{cache, db, error::AppError, etag, paging, state::AppState};

/// What they are called in the cache.
const CACHED: &str = "products";

/// A page of products, and what is included.
pub async fn list(
    state: &AppState,
    filter: ProductFilter,
    ask: paging::Ask,
    include: ProductInclude,
) -> Result<(paging::Page<Product>, ProductIncluded), AppError> {
    let paging = paging::Paging::new(&repo::SORTING, ask)?;
    let page = repo::list(&state.db, filter, paging).await?;
    let mut included = ProductIncluded::default();
    if include.category {
        let ids: HashSet<_> = page.items.iter().map(|product| product.category_id).collect();
        included.category = crate::categories::service::find_all(state, ids).await?;
    }
    Ok((page, included))
}

/// Products by their ids, for what refers to them. One that is gone is left out.
pub async fn find_all(
    state: &AppState,
    ids: HashSet<Uuid>,
) -> Result<HashMap<Uuid, Product>, AppError> {
    let ids: Vec<_> = ids.into_iter().collect();
    let products = repo::find_all(&state.db, &ids).await?;
    let products = products.into_iter();
    Ok(products.map(|product| (product.id, product)).collect())
}

/// One product, from the cache where it is there: as clients see it, so that nothing private leaves the service.
pub async fn get(state: &AppState, id: Uuid) -> Result<dto::Product, AppError> {
    let load = || async {
        let product = repo::find(&state.db, id).await?;
        Ok::<_, AppError>(product.map(dto::Product::from))
    };
    let product = state.cache.get_or_load(&cache::Key::entity(CACHED, id), load).await?;
    product.ok_or(AppError::NotFound)
}

/// Makes a product, in one statement.
pub async fn create(db: &mut db::Connection, new: NewProduct) -> Result<Product, AppError> {
    repo::insert(db, Uuid::now_v7(), &new).await
}

/// Makes all of these, as part of a transaction.
pub async fn create_all(
    db: &mut db::Connection,
    new: Vec<NewProduct>,
) -> Result<Vec<Product>, AppError> {
    // Each is greater than the one before, so that they come back in the order of the request.
    let ids: Vec<_> = new.iter().map(|_| Uuid::now_v7()).collect();
    repo::insert_all(db, &ids, &new).await
}

/// Puts `new` in the place of a product.
pub async fn replace(
    state: &AppState,
    id: Uuid,
    if_match: &etag::IfMatch,
    new: NewProduct,
) -> Result<Product, AppError> {
    edit(state, id, if_match, |product| product.replace(new)).await
}

/// Changes some of a product.
pub async fn change(
    state: &AppState,
    id: Uuid,
    if_match: &etag::IfMatch,
    changes: ProductChanges,
) -> Result<Product, AppError> {
    edit(state, id, if_match, |product| product.change(changes)).await
}

/// Changes a product that nobody else changes meanwhile.
async fn edit(
    state: &AppState,
    id: Uuid,
    if_match: &etag::IfMatch,
    change: impl FnOnce(&mut Product) -> Result<(), AppError>,
) -> Result<Product, AppError> {
    let mut transaction = db::begin(&state.db).await?;
    let before = lock(&mut transaction, id).await?;
    if_match.check(before.version)?;
    let mut product = before.clone();
    change(&mut product)?;
    // What stays as it was is no new version.
    if product == before {
        return Ok(before);
    }
    let product = repo::update(&mut transaction, product).await?;
    transaction.commit().await?;
    state.cache.invalidate(CACHED, [id]).await;
    Ok(product)
}

/// Deletes a product.
pub async fn delete(state: &AppState, id: Uuid, if_match: &etag::IfMatch) -> Result<(), AppError> {
    let mut transaction = db::begin(&state.db).await?;
    let product = lock(&mut transaction, id).await?;
    if_match.check(product.version)?;
    repo::delete(&mut transaction, id).await?;
    transaction.commit().await?;
    state.cache.invalidate(CACHED, [id]).await;
    Ok(())
}

/// One that is there.
async fn lock(db: &mut db::Connection, id: Uuid) -> Result<Product, AppError> {
    let product = repo::lock(db, id).await?;
    product.ok_or(AppError::NotFound)
}
