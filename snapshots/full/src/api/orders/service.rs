//! Operations on orders, and the permissions for them.

use uuid::Uuid;

use super::{domain::OrderRow, dto, repo};
use crate::{
    auth::CurrentUser,
    cache::{Cache, Encoded, Key},
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
    /// A page of orders. An account sees its own; an administrator sees all.
    pub async fn list(
        &self,
        user: CurrentUser,
        listing: dto::OrderListing,
    ) -> Result<dto::OrderPage, Error> {
        let rows = repo::list(&self.db, user.scope(), listing.filter, listing.page).await?;
        let mut page = rows.map(dto::OrderResponse::from);
        if listing.include.contains(&dto::OrderInclude::Owner) {
            let find = async |ids| crate::auth::user_refs::find_all(&self.db, ids).await;
            page.attach(|item| Some(item.owner_id), find, |item| &mut item.owner).await?;
        }
        if listing.include.contains(&dto::OrderInclude::Product) {
            let find = async |ids| crate::api::products::service::find_all(&self.db, ids).await;
            page.attach(|item| Some(item.product_id), find, |item| &mut item.product).await?;
        }
        Ok(page)
    }

    /// An order, from the cache if it is there.
    pub async fn get(&self, user: CurrentUser, id: Uuid) -> Result<dto::OrderResponse, Error> {
        self.encoded(user, id).await?.decode()
    }

    /// The same as it is sent: a value from the cache is not read.
    pub async fn encoded(
        &self,
        user: CurrentUser,
        id: Uuid,
    ) -> Result<Encoded<dto::OrderResponse>, Error> {
        // The cache holds what clients see: private fields stay in the database.
        let load = || async {
            let row = repo::find(&self.db, id).await?;
            row.map(|row| Encoded::new(row.version, Some(row.owner_id), &row.into())).transpose()
        };
        let found = self.cache.encoded_or_load(&Key::entity(CACHED, id), load).await?;
        found
            .filter(|found| found.owner.is_some_and(|owner| user.may(owner)))
            .ok_or(Error::NotFound)
    }

    /// Create an order, in one statement.
    pub async fn create(
        db: &mut db::Connection,
        user: CurrentUser,
        new: dto::NewOrder,
    ) -> Result<dto::OrderResponse, Error> {
        Ok(repo::insert(db, Uuid::now_v7(), user.id, &new).await?.into())
    }

    /// Create several orders, in one statement.
    pub async fn create_all(
        db: &mut db::Connection,
        user: CurrentUser,
        items: &[dto::NewOrder],
    ) -> Result<dto::OrderBatch, Error> {
        // Ascending ids, so that the rows come back in the order of the request.
        let ids: Vec<_> = items.iter().map(|_| Uuid::now_v7()).collect();
        let rows = repo::insert_all(db, &ids, user.id, items).await?;
        Ok(batch::Batch::from(rows))
    }

    /// Invalidate the cached lists after `write` has created rows.
    pub async fn creating<R>(
        &self,
        write: impl Future<Output = Result<R, Error>>,
    ) -> Result<R, Error> {
        self.cache.invalidate_after(write, CACHED, [] as [Uuid; 0]).await
    }

    /// Replace an order.
    pub async fn replace(
        &self,
        user: CurrentUser,
        id: Uuid,
        if_match: &IfMatch,
        new: dto::OrderReplacement,
    ) -> Result<dto::OrderResponse, Error> {
        self.edit(user, id, if_match, |row| row.replace(new)).await
    }

    /// Update an order.
    pub async fn change(
        &self,
        user: CurrentUser,
        id: Uuid,
        if_match: &IfMatch,
        patch: dto::OrderPatch,
    ) -> Result<dto::OrderResponse, Error> {
        self.edit(user, id, if_match, |row| row.change(patch)).await
    }

    /// Update several orders with the same changes, all or none.
    pub async fn change_all(
        &self,
        user: CurrentUser,
        changes: dto::OrderPatchBatch,
    ) -> Result<dto::OrderBatch, Error> {
        let mut transaction = db::begin(&self.db).await?;
        let mut found = repo::lock(&mut transaction, &changes.ids).await?;
        found.retain(|row| user.may(row.owner_id));
        let mut rows = changes.arrange(found, |row| row.id)?;
        let edited = changes.apply(&mut rows, OrderRow::change)?;
        let updated = repo::update(&mut transaction, &edited).await.map_err(in_changes)?;
        let ids = updated.iter().map(|row| row.id);
        self.cache.invalidate_after(transaction.commit(), CACHED, ids).await?;
        Ok(batch::Batch::of(rows, updated, |row| row.id))
    }

    /// Edit an order under a lock. An edit without effect makes no new version.
    async fn edit(
        &self,
        user: CurrentUser,
        id: Uuid,
        if_match: &IfMatch,
        edit: impl FnOnce(&mut OrderRow) -> Result<(), Error>,
    ) -> Result<dto::OrderResponse, Error> {
        let mut transaction = db::begin(&self.db).await?;
        let found = lock(&mut transaction, user, id).await?;
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

    /// Delete an order.
    pub async fn delete(
        &self,
        user: CurrentUser,
        id: Uuid,
        if_match: &IfMatch,
    ) -> Result<(), Error> {
        let mut transaction = db::begin(&self.db).await?;
        let found = lock(&mut transaction, user, id).await?;
        if_match.check(found.version)?;
        repo::delete(&mut transaction, id).await?;
        self.cache.invalidate_after(transaction.commit(), CACHED, [id]).await?;
        Ok(())
    }
}

/// The row, locked. A row of another account is not found.
async fn lock(db: &mut db::Connection, user: CurrentUser, id: Uuid) -> Result<OrderRow, Error> {
    let found = repo::lock(db, &[id]).await?.pop();
    found.filter(|row| user.may(row.owner_id)).ok_or(Error::NotFound)
}
