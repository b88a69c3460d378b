//! Operations on categories.

use uuid::Uuid;

use super::{domain::CategoryRow, dto, repo};
use crate::{
    cache::{Cache, Encoded, Key},
    db::{self, rows::Related},
    error::Error,
    http::{
        batch::{self, in_changes},
        etag::IfMatch,
    },
};

/// Namespace of the keys in the cache.
const CACHED: &str = "categories";

/// The operations, with the parts that they need.
#[derive(Clone)]
pub struct Service {
    pub db: db::Pool,
    pub cache: Cache,
}

impl Service {
    /// A page of categories.
    pub async fn list(&self, listing: dto::CategoryListing) -> Result<dto::CategoryPage, Error> {
        let rows = repo::list(&self.db, listing.filter, listing.page).await?;
        let mut page = rows.map(dto::CategoryResponse::from);
        if listing.include.contains(&dto::CategoryInclude::Parent) {
            let find = async |ids| crate::api::categories::service::find_all(&self.db, ids).await;
            page.attach(|item| item.parent_id, find, |item| &mut item.parent).await?;
        }
        Ok(page)
    }

    /// A category, from the cache if it is there.
    pub async fn get(&self, id: Uuid) -> Result<dto::CategoryResponse, Error> {
        self.encoded(id).await?.decode()
    }

    /// The same as it is sent: a value from the cache is not read.
    pub async fn encoded(&self, id: Uuid) -> Result<Encoded<dto::CategoryResponse>, Error> {
        // The cache holds what clients see: private fields stay in the database.
        let load = || async {
            let row = repo::find(&self.db, id).await?;
            row.map(|row| Encoded::new(row.version, None, &row.into())).transpose()
        };
        let found = self.cache.encoded_or_load(&Key::entity(CACHED, id), load).await?;
        found.ok_or(Error::NotFound)
    }

    /// Create a category, in one statement.
    pub async fn create(
        db: &mut db::Connection,
        new: dto::NewCategory,
    ) -> Result<dto::CategoryResponse, Error> {
        Ok(repo::insert(db, Uuid::now_v7(), &new).await?.into())
    }

    /// Create several categories, in one statement.
    pub async fn create_all(
        db: &mut db::Connection,
        items: &[dto::NewCategory],
    ) -> Result<dto::CategoryBatch, Error> {
        // Ascending ids, so that the rows come back in the order of the request.
        let ids: Vec<_> = items.iter().map(|_| Uuid::now_v7()).collect();
        let rows = repo::insert_all(db, &ids, items).await?;
        Ok(batch::Batch::from(rows))
    }

    /// Invalidate the cached lists after `write` has created rows.
    pub async fn creating<R>(
        &self,
        write: impl Future<Output = Result<R, Error>>,
    ) -> Result<R, Error> {
        self.cache.invalidate_after(write, CACHED, [] as [Uuid; 0]).await
    }

    /// Replace a category.
    pub async fn replace(
        &self,
        id: Uuid,
        if_match: &IfMatch,
        new: dto::NewCategory,
    ) -> Result<dto::CategoryResponse, Error> {
        self.edit(id, if_match, |row| row.replace(new)).await
    }

    /// Update a category.
    pub async fn change(
        &self,
        id: Uuid,
        if_match: &IfMatch,
        patch: dto::CategoryPatch,
    ) -> Result<dto::CategoryResponse, Error> {
        self.edit(id, if_match, |row| row.change(patch)).await
    }

    /// Update several categories with the same changes, all or none.
    pub async fn change_all(
        &self,
        changes: dto::CategoryPatchBatch,
    ) -> Result<dto::CategoryBatch, Error> {
        let mut transaction = db::begin(&self.db).await?;
        let found = repo::lock(&mut transaction, &changes.ids).await?;
        let mut rows = changes.arrange(found, |row| row.id)?;
        let edited = changes.apply(&mut rows, CategoryRow::change)?;
        let updated = repo::update(&mut transaction, &edited).await.map_err(in_changes)?;
        let ids = updated.iter().map(|row| row.id);
        self.cache.invalidate_after(transaction.commit(), CACHED, ids).await?;
        Ok(batch::Batch::of(rows, updated, |row| row.id))
    }

    /// Edit a category under a lock. An edit without effect makes no new version.
    async fn edit(
        &self,
        id: Uuid,
        if_match: &IfMatch,
        edit: impl FnOnce(&mut CategoryRow) -> Result<(), Error>,
    ) -> Result<dto::CategoryResponse, Error> {
        let mut transaction = db::begin(&self.db).await?;
        let found = lock(&mut transaction, id).await?;
        if_match.check(found.version)?;
        let mut row = found.clone();
        edit(&mut row)?;
        if row == found {
            return Ok(found.into());
        }
        let updated = repo::update(&mut transaction, &[row]).await?.pop().ok_or(Error::NotFound)?;
        self.cache.invalidate_after(transaction.commit(), CACHED, [id]).await?;
        Ok(updated.into())
    }

    /// Delete a category.
    pub async fn delete(&self, id: Uuid, if_match: &IfMatch) -> Result<(), Error> {
        let mut transaction = db::begin(&self.db).await?;
        let found = lock(&mut transaction, id).await?;
        if_match.check(found.version)?;
        repo::delete(&mut transaction, id).await?;
        self.cache.invalidate_after(transaction.commit(), CACHED, [id]).await?;
        Ok(())
    }
}

/// The row, locked.
async fn lock(db: &mut db::Connection, id: Uuid) -> Result<CategoryRow, Error> {
    let found = repo::lock(db, &[id]).await?.pop();
    found.ok_or(Error::NotFound)
}

/// Categories by their ids, for resources that refer to them.
pub async fn find_all(
    db: &db::Pool,
    ids: Vec<Uuid>,
) -> Result<Related<dto::CategoryResponse>, Error> {
    let rows = repo::find_all(db, &ids).await?;
    Ok(rows.map(|row| Some(row.into())))
}
