//! What can be done with categories.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    domain::{
        Category, CategoryChanges, CategoryFilter, CategoryInclude, CategoryIncluded, NewCategory,
    },
    dto, repo,
};
use crate::{cache, db, error::AppError, etag, paging, state::AppState};

/// What they are called in the cache.
const CACHED: &str = "categories";

/// A page of categories, and what is included.
pub async fn list(
    state: &AppState,
    filter: CategoryFilter,
    ask: paging::Ask,
    include: CategoryInclude,
) -> Result<(paging::Page<Category>, CategoryIncluded), AppError> {
    let paging = paging::Paging::new(&repo::SORTING, ask)?;
    let page = repo::list(&state.db, filter, paging).await?;
    let mut included = CategoryIncluded::default();
    if include.parent {
        let ids: HashSet<_> = page.items.iter().filter_map(|category| category.parent_id).collect();
        included.parent = crate::categories::service::find_all(state, ids).await?;
    }
    Ok((page, included))
}

/// Categories by their ids, for what refers to them. One that is gone is left out.
pub async fn find_all(
    state: &AppState,
    ids: HashSet<Uuid>,
) -> Result<HashMap<Uuid, Category>, AppError> {
    let ids: Vec<_> = ids.into_iter().collect();
    let categories = repo::find_all(&state.db, &ids).await?;
    let categories = categories.into_iter();
    Ok(categories.map(|category| (category.id, category)).collect())
}

/// One category, from the cache where it is there: as clients see it, so that nothing private leaves the service.
pub async fn get(state: &AppState, id: Uuid) -> Result<dto::Category, AppError> {
    let load = || async {
        let category = repo::find(&state.db, id).await?;
        Ok::<_, AppError>(category.map(dto::Category::from))
    };
    let category = state.cache.get_or_load(&cache::Key::entity(CACHED, id), load).await?;
    category.ok_or(AppError::NotFound)
}

/// Makes a category, in one statement.
pub async fn create(db: &mut db::Connection, new: NewCategory) -> Result<Category, AppError> {
    repo::insert(db, Uuid::now_v7(), &new).await
}

/// Makes all of these, as part of a transaction.
pub async fn create_all(
    db: &mut db::Connection,
    new: Vec<NewCategory>,
) -> Result<Vec<Category>, AppError> {
    // Each is greater than the one before, so that they come back in the order of the request.
    let ids: Vec<_> = new.iter().map(|_| Uuid::now_v7()).collect();
    repo::insert_all(db, &ids, &new).await
}

/// Puts `new` in the place of a category.
pub async fn replace(
    state: &AppState,
    id: Uuid,
    if_match: &etag::IfMatch,
    new: NewCategory,
) -> Result<Category, AppError> {
    edit(state, id, if_match, |category| category.replace(new)).await
}

/// Changes some of a category.
pub async fn change(
    state: &AppState,
    id: Uuid,
    if_match: &etag::IfMatch,
    changes: CategoryChanges,
) -> Result<Category, AppError> {
    edit(state, id, if_match, |category| category.change(changes)).await
}

/// Changes a category that nobody else changes meanwhile.
async fn edit(
    state: &AppState,
    id: Uuid,
    if_match: &etag::IfMatch,
    change: impl FnOnce(&mut Category) -> Result<(), AppError>,
) -> Result<Category, AppError> {
    let mut transaction = db::begin(&state.db).await?;
    let before = lock(&mut transaction, id).await?;
    if_match.check(before.version)?;
    let mut category = before.clone();
    change(&mut category)?;
    // What stays as it was is no new version.
    if category == before {
        return Ok(before);
    }
    let category = repo::update(&mut transaction, category).await?;
    transaction.commit().await?;
    state.cache.invalidate(CACHED, [id]).await;
    Ok(category)
}

/// Deletes a category.
pub async fn delete(state: &AppState, id: Uuid, if_match: &etag::IfMatch) -> Result<(), AppError> {
    let mut transaction = db::begin(&state.db).await?;
    let category = lock(&mut transaction, id).await?;
    if_match.check(category.version)?;
    repo::delete(&mut transaction, id).await?;
    transaction.commit().await?;
    state.cache.invalidate(CACHED, [id]).await;
    Ok(())
}

/// One that is there.
async fn lock(db: &mut db::Connection, id: Uuid) -> Result<Category, AppError> {
    let category = repo::lock(db, id).await?;
    category.ok_or(AppError::NotFound)
}
