//! Operations on products.

use uuid::Uuid;

use super::{domain::ProductRow, dto, repo};
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
const CACHED: &str = "products";

/// The operations, with the parts that they need.
#[derive(Clone)]
pub struct Service {
    pub db: db::Pool,
    pub cache: Cache,
}

impl Service {
    /// A page of products.
    pub async fn list(&self, listing: dto::ProductListing) -> Result<dto::ProductPage, Error> {
        let rows = repo::list(&self.db, listing.filter, listing.page).await?;
        let mut page = rows.map(dto::ProductResponse::from);
        if listing.include.contains(&dto::ProductInclude::Category) {
            let find = async |ids| crate::api::categories::service::find_all(&self.db, ids).await;
            page.attach(|item| Some(item.category_id), find, |item| &mut item.category).await?;
        }
        Ok(page)
    }

    /// A product, from the cache if it is there.
    pub async fn get(&self, id: Uuid) -> Result<dto::ProductResponse, Error> {
        self.encoded(id).await?.decode()
    }

    /// The same as it is sent: a value from the cache is not read.
    pub async fn encoded(&self, id: Uuid) -> Result<Encoded<dto::ProductResponse>, Error> {
        // The cache holds what clients see: private fields stay in the database.
        let load = || async {
            let row = repo::find(&self.db, id).await?;
            row.map(|row| Encoded::new(row.version, None, &row.into())).transpose()
        };
        let found = self.cache.encoded_or_load(&Key::entity(CACHED, id), load).await?;
        found.ok_or(Error::NotFound)
    }

    /// Create a product, in one statement.
    pub async fn create(
        db: &mut db::Connection,
        new: dto::NewProduct,
    ) -> Result<dto::ProductResponse, Error> {
        Ok(repo::insert(db, Uuid::now_v7(), &new).await?.into())
    }

    /// Create several products, in one statement.
    pub async fn create_all(
        db: &mut db::Connection,
        items: &[dto::NewProduct],
    ) -> Result<dto::ProductBatch, Error> {
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

    /// Replace a product.
    pub async fn replace(
        &self,
        id: Uuid,
        if_match: &IfMatch,
        new: dto::ProductReplacement,
    ) -> Result<dto::ProductResponse, Error> {
        self.edit(id, if_match, |row| row.replace(new)).await
    }

    /// Update a product.
    pub async fn change(
        &self,
        id: Uuid,
        if_match: &IfMatch,
        patch: dto::ProductPatch,
    ) -> Result<dto::ProductResponse, Error> {
        self.edit(id, if_match, |row| row.change(patch)).await
    }

    /// Update several products with the same changes, all or none.
    pub async fn change_all(
        &self,
        changes: dto::ProductPatchBatch,
    ) -> Result<dto::ProductBatch, Error> {
        let mut transaction = db::begin(&self.db).await?;
        let found = repo::lock(&mut transaction, &changes.ids).await?;
        let mut rows = changes.arrange(found, |row| row.id)?;
        let edited = changes.apply(&mut rows, ProductRow::change)?;
        let updated = repo::update(&mut transaction, &edited).await.map_err(in_changes)?;
        let ids = updated.iter().map(|row| row.id);
        self.cache.invalidate_after(transaction.commit(), CACHED, ids).await?;
        Ok(batch::Batch::of(rows, updated, |row| row.id))
    }

    /// Edit a product under a lock. An edit without effect makes no new version.
    async fn edit(
        &self,
        id: Uuid,
        if_match: &IfMatch,
        edit: impl FnOnce(&mut ProductRow) -> Result<(), Error>,
    ) -> Result<dto::ProductResponse, Error> {
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

    /// Delete a product.
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
async fn lock(db: &mut db::Connection, id: Uuid) -> Result<ProductRow, Error> {
    let found = repo::lock(db, &[id]).await?.pop();
    found.ok_or(Error::NotFound)
}

/// Products by their ids, for resources that refer to them.
pub async fn find_all(
    db: &db::Pool,
    ids: Vec<Uuid>,
) -> Result<Related<dto::ProductResponse>, Error> {
    let rows = repo::find_all(db, &ids).await?;
    Ok(rows.map(|row| Some(row.into())))
}
