//! Operations on orders.

use uuid::Uuid;

use super::{domain::OrderRow, dto, repo};
use crate::{
    cache::{self, Cache},
    db,
    error::Error,
    http::{
        batch::{self, in_changes},
        etag::IfMatch,
    },
};

/// Namespace of the keys in the cache.
const CACHED: &str = "orders";

/// The operations, with the parts that they need.
#[derive(Clone)]
pub struct Service {
    pub db: db::Pool,
    pub cache: Cache,
}

impl Service {
    /// A page of orders.
    pub async fn list(&self, listing: dto::OrderListing) -> Result<dto::OrderPage, Error> {
        let rows = repo::list(&self.db, listing.filter, listing.page).await?;
        let mut page = rows.map(dto::OrderResponse::from);
        if listing.include.contains(&dto::OrderInclude::Customer) {
            let find = async |ids| crate::auth::user_refs::find_all(&self.db, ids).await;
            page.attach(|item| Some(item.customer_id), find, |item| &mut item.customer).await?;
        }
        Ok(page)
    }

    /// An order, from the cache if it is there.
    pub async fn get(&self, id: Uuid) -> Result<dto::OrderResponse, Error> {
        // The cache holds what clients see: private fields stay in the database.
        let load = || async {
            let row = repo::find(&self.db, id).await?;
            Ok::<_, Error>(row.map(dto::OrderResponse::from))
        };
        let found = self.cache.get_or_load(&cache::Key::entity(CACHED, id), load).await?;
        found.ok_or(Error::NotFound)
    }

    /// Create an order, in one statement.
    pub async fn create(
        db: &mut db::Connection,
        new: dto::NewOrder,
    ) -> Result<dto::OrderResponse, Error> {
        Ok(repo::insert(db, Uuid::now_v7(), &new).await?.into())
    }

    /// Create several orders, in one statement.
    pub async fn create_all(
        db: &mut db::Connection,
        items: &[dto::NewOrder],
    ) -> Result<dto::OrderBatch, Error> {
        // Ascending ids, so that the rows come back in the order of the request.
        let ids: Vec<_> = items.iter().map(|_| Uuid::now_v7()).collect();
        let rows = repo::insert_all(db, &ids, items).await?;
        Ok(batch::Batch::from(rows))
    }

    /// Replace an order.
    pub async fn replace(
        &self,
        id: Uuid,
        if_match: &IfMatch,
        new: dto::NewOrder,
    ) -> Result<dto::OrderResponse, Error> {
        self.edit(id, if_match, |row| row.replace(new)).await
    }

    /// Update an order.
    pub async fn change(
        &self,
        id: Uuid,
        if_match: &IfMatch,
        patch: dto::OrderPatch,
    ) -> Result<dto::OrderResponse, Error> {
        self.edit(id, if_match, |row| row.change(patch)).await
    }

    /// Update several orders with the same changes, all or none.
    pub async fn change_all(
        &self,
        changes: dto::OrderPatchBatch,
    ) -> Result<dto::OrderBatch, Error> {
        let mut transaction = db::begin(&self.db).await?;
        let found = repo::lock(&mut transaction, &changes.ids).await?;
        let mut rows = changes.arrange(found, |row| row.id)?;
        let edited = changes.apply(&mut rows, OrderRow::change)?;
        let updated = repo::update(&mut transaction, &edited).await.map_err(in_changes)?;
        transaction.commit().await?;
        self.cache.invalidate(CACHED, updated.iter().map(|row| row.id)).await;
        Ok(batch::Batch::of(rows, updated, |row| row.id))
    }

    /// Edit an order under a lock. An edit without effect makes no new version.
    async fn edit(
        &self,
        id: Uuid,
        if_match: &IfMatch,
        edit: impl FnOnce(&mut OrderRow) -> Result<(), Error>,
    ) -> Result<dto::OrderResponse, Error> {
        let mut transaction = db::begin(&self.db).await?;
        let found = lock(&mut transaction, id).await?;
        if_match.check(found.version)?;
        let mut row = found.clone();
        edit(&mut row)?;
        if row == found {
            return Ok(found.into());
        }
        let updated = repo::update(&mut transaction, &[row]).await?.pop().ok_or(Error::NotFound)?;
        transaction.commit().await?;
        self.cache.invalidate(CACHED, [id]).await;
        Ok(updated.into())
    }

    /// Delete an order.
    pub async fn delete(&self, id: Uuid, if_match: &IfMatch) -> Result<(), Error> {
        let mut transaction = db::begin(&self.db).await?;
        let found = lock(&mut transaction, id).await?;
        if_match.check(found.version)?;
        repo::delete(&mut transaction, id).await?;
        transaction.commit().await?;
        self.cache.invalidate(CACHED, [id]).await;
        Ok(())
    }
}

/// The row, locked.
async fn lock(db: &mut db::Connection, id: Uuid) -> Result<OrderRow, Error> {
    let found = repo::lock(db, &[id]).await?.pop();
    found.ok_or(Error::NotFound)
}
