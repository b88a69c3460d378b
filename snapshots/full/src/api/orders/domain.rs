//! An order and its rules.

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::dto;
use crate::{db::rows::Size, error::Error, http::rules};

/// An order as the database stores it.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct OrderRow {
    pub id: Uuid,
    pub owner_id: Uuid,
    pub product_id: Uuid,
    pub status: super::OrderStatus,
    pub quantity: i32,
    pub placed_at: DateTime<Utc>,
    pub ship_by: Option<NaiveDate>,
    pub contact: String,
    pub tracking: Option<Uuid>,
    pub gift: bool,
    pub r#type: Option<super::OrderType>,
    pub tags: Option<Value>,
    pub note: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

impl Size for OrderRow {
    fn size(&self) -> usize {
        size_of::<Self>() + self.contact.size() + self.tags.size() + self.note.size()
    }
}

#[allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "for your own rules")]
impl OrderRow {
    /// Replace all fields. A rule on changes goes here and into [`Self::change`], a rule on new
    /// rows into `Service::create` and `create_all`.
    ///
    /// Times are cut to the microseconds that are stored, so that the same values are no change.
    pub fn replace(&mut self, new: dto::OrderReplacement) -> Result<(), Error> {
        self.product_id = new.product_id;
        self.status = new.status;
        self.quantity = new.quantity;
        new.placed_at.apply(&mut self.placed_at);
        self.placed_at = self.placed_at.trunc_subsecs(6);
        self.ship_by = new.ship_by;
        self.contact = new.contact;
        self.tracking = new.tracking;
        self.gift = new.gift;
        self.r#type = new.r#type;
        self.tags = new.tags;
        self.tags.iter_mut().for_each(rules::as_stored);
        self.note = new.note;
        Ok(())
    }

    /// Apply a merge patch.
    pub fn change(&mut self, patch: dto::OrderPatch) -> Result<(), Error> {
        patch.product_id.apply(&mut self.product_id);
        patch.status.apply(&mut self.status);
        patch.quantity.apply(&mut self.quantity);
        patch.placed_at.apply(&mut self.placed_at);
        self.placed_at = self.placed_at.trunc_subsecs(6);
        patch.ship_by.apply(&mut self.ship_by);
        patch.contact.apply(&mut self.contact);
        patch.tracking.apply(&mut self.tracking);
        patch.gift.apply(&mut self.gift);
        patch.r#type.apply(&mut self.r#type);
        patch.tags.merge(&mut self.tags, "/tags")?;
        self.tags.iter_mut().for_each(rules::as_stored);
        patch.note.apply(&mut self.note);
        Ok(())
    }
}
