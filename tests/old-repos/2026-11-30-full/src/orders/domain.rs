//! What an order is, whoever asks for it and wherever it is kept.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::{error::AppError, merge_patch::Patch};

/// An order.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub id: Uuid,
    /// Whose it is.
    pub owner_id: Uuid,
    pub product_id: Uuid,
    pub status: OrderStatus,
    pub quantity: i32,
    pub placed_at: DateTime<Utc>,
    pub ship_by: Option<NaiveDate>,
    pub contact: String,
    pub tracking: Option<Uuid>,
    pub gift: bool,
    pub r#type: Option<OrderType>,
    pub tags: Option<Value>,
    pub note: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Counts its changes, from 1.
    pub version: i64,
}

/// The status of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    Draft,
    Paid,
    Shipped,
}

/// The type of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderType {
    Retail,
    Wholesale,
}

/// All that clients decide about an order.
#[derive(Clone, Debug)]
pub struct NewOrder {
    pub product_id: Uuid,
    pub status: OrderStatus,
    pub quantity: i32,
    pub placed_at: DateTime<Utc>,
    pub ship_by: Option<NaiveDate>,
    pub contact: String,
    pub tracking: Option<Uuid>,
    pub gift: bool,
    pub r#type: Option<OrderType>,
    pub tags: Option<Value>,
    pub note: Option<String>,
}

/// Some of what clients decide about an order.
#[derive(Clone, Debug, Default)]
pub struct OrderChanges {
    pub product_id: Patch<Uuid>,
    pub status: Patch<OrderStatus>,
    pub quantity: Patch<i32>,
    pub placed_at: Patch<DateTime<Utc>>,
    pub ship_by: Patch<Option<NaiveDate>>,
    pub contact: Patch<String>,
    pub tracking: Patch<Option<Uuid>>,
    pub gift: Patch<bool>,
    pub r#type: Patch<Option<OrderType>>,
    pub tags: Patch<Option<Value>>,
    pub note: Patch<Option<String>>,
}

impl Order {
    /// Everything that clients decide is as in `new` now.
    #[allow(clippy::unnecessary_wraps, reason = "rules of your own will refuse")]
    pub fn replace(&mut self, new: NewOrder) -> Result<(), AppError> {
        self.product_id = new.product_id;
        self.status = new.status;
        self.quantity = new.quantity;
        self.placed_at = new.placed_at;
        self.ship_by = new.ship_by;
        self.contact = new.contact;
        self.tracking = new.tracking;
        self.gift = new.gift;
        self.r#type = new.r#type;
        self.tags = new.tags;
        self.note = new.note;
        Ok(())
    }

    /// What `changes` say holds now; the rest stays.
    pub fn change(&mut self, changes: OrderChanges) -> Result<(), AppError> {
        changes.product_id.apply(&mut self.product_id);
        changes.status.apply(&mut self.status);
        changes.quantity.apply(&mut self.quantity);
        changes.placed_at.apply(&mut self.placed_at);
        changes.ship_by.apply(&mut self.ship_by);
        changes.contact.apply(&mut self.contact);
        changes.tracking.apply(&mut self.tracking);
        changes.gift.apply(&mut self.gift);
        changes.r#type.apply(&mut self.r#type);
        changes.tags.merge(&mut self.tags, "/tags")?;
        changes.note.apply(&mut self.note);
        Ok(())
    }
}

/// What a listing is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    pub owner_id: Option<Uuid>,
    pub product_id: Option<Uuid>,
    pub status: Option<OrderStatus>,
    pub quantity: Option<i32>,
    pub placed_at: Option<DateTime<Utc>>,
    pub ship_by: Option<NaiveDate>,
    pub contact: Option<String>,
    pub tracking: Option<Uuid>,
    pub gift: Option<bool>,
    pub r#type: Option<OrderType>,
    /// Those made then or later.
    pub created_at_from: Option<DateTime<Utc>>,
    /// Those made before.
    pub created_at_to: Option<DateTime<Utc>>,
}

/// What else to read for orders.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrderInclude {
    /// The owner of each.
    pub owner: bool,
    /// The product of each.
    pub product: bool,
}

/// What was read for orders, each by its id.
#[derive(Clone, Default)]
pub struct OrderIncluded {
    pub owner: HashMap<Uuid, crate::user_refs::UserRef>,
    pub product: HashMap<Uuid, crate::products::domain::Product>,
}
