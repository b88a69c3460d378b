//! What an order is, whoever asks for it and wherever it is kept.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

use crate::{customers::domain::Customer, error::AppError, merge_patch::Patch};

/// An order. No `Debug`: what is private must not reach a log.
#[derive(Clone, PartialEq)]
pub struct Order {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub status: OrderStatus,
    pub total: Decimal,
    pub placed_at: Option<DateTime<Utc>>,
    pub note: Option<String>,
    pub tags: Option<Value>,
    pub priority: i32,
    /// Private.
    pub secret_code: Option<String>,
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

/// All that clients decide about an order.
#[derive(Clone)]
pub struct NewOrder {
    pub customer_id: Uuid,
    pub status: OrderStatus,
    pub total: Decimal,
    pub placed_at: Option<DateTime<Utc>>,
    pub note: Option<String>,
    pub tags: Option<Value>,
    pub priority: i32,
    /// Private.
    pub secret_code: Option<String>,
}

/// Some of what clients decide about an order.
#[derive(Clone, Default)]
pub struct OrderChanges {
    pub customer_id: Patch<Uuid>,
    pub status: Patch<OrderStatus>,
    pub total: Patch<Decimal>,
    pub placed_at: Patch<Option<DateTime<Utc>>>,
    pub note: Patch<Option<String>>,
    pub tags: Patch<Option<Value>>,
    pub priority: Patch<i32>,
    /// Private.
    pub secret_code: Patch<Option<String>>,
}

impl Order {
    /// Everything that clients decide is as in `new` now.
    #[allow(clippy::unnecessary_wraps, reason = "rules of your own will refuse")]
    pub fn replace(&mut self, new: NewOrder) -> Result<(), AppError> {
        self.customer_id = new.customer_id;
        self.status = new.status;
        self.total = new.total;
        self.placed_at = new.placed_at;
        self.note = new.note;
        self.tags = new.tags;
        self.priority = new.priority;
        self.secret_code = new.secret_code;
        Ok(())
    }

    /// What `changes` say holds now; the rest stays.
    pub fn change(&mut self, changes: OrderChanges) -> Result<(), AppError> {
        changes.customer_id.apply(&mut self.customer_id);
        changes.status.apply(&mut self.status);
        changes.total.apply(&mut self.total);
        changes.placed_at.apply(&mut self.placed_at);
        changes.note.apply(&mut self.note);
        changes.tags.merge(&mut self.tags, "/tags")?;
        changes.priority.apply(&mut self.priority);
        changes.secret_code.apply(&mut self.secret_code);
        Ok(())
    }
}

/// What a listing is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    pub customer_id: Option<Uuid>,
    pub status: Option<OrderStatus>,
    pub total: Option<Decimal>,
    pub placed_at: Option<DateTime<Utc>>,
    pub priority: Option<i32>,
    /// Those made then or later.
    pub created_at_from: Option<DateTime<Utc>>,
    /// Those made before.
    pub created_at_to: Option<DateTime<Utc>>,
}

/// What else to read for orders.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrderInclude {
    /// The customer of each.
    pub customer: bool,
}

/// What was read for orders, each by its id.
#[derive(Clone, Default)]
pub struct OrderIncluded {
    pub customers: HashMap<Uuid, Customer>,
}
