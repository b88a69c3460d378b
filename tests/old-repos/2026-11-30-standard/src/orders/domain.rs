//! What an order is, whoever asks for it and wherever it is kept.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::{error::AppError, merge_patch::Patch};

/// An order.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub status: OrderStatus,
    pub total: Decimal,
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

/// All that clients decide about an order.
#[derive(Clone, Debug)]
pub struct NewOrder {
    pub customer_id: Uuid,
    pub status: OrderStatus,
    pub total: Decimal,
    pub note: Option<String>,
}

/// Some of what clients decide about an order.
#[derive(Clone, Debug, Default)]
pub struct OrderChanges {
    pub customer_id: Patch<Uuid>,
    pub status: Patch<OrderStatus>,
    pub total: Patch<Decimal>,
    pub note: Patch<Option<String>>,
}

impl Order {
    /// Everything that clients decide is as in `new` now.
    #[allow(clippy::unnecessary_wraps, reason = "rules of your own will refuse")]
    pub fn replace(&mut self, new: NewOrder) -> Result<(), AppError> {
        self.customer_id = new.customer_id;
        self.status = new.status;
        self.total = new.total;
        self.note = new.note;
        Ok(())
    }

    /// What `changes` say holds now; the rest stays.
    #[allow(clippy::unnecessary_wraps, reason = "rules of your own will refuse")]
    pub fn change(&mut self, changes: OrderChanges) -> Result<(), AppError> {
        changes.customer_id.apply(&mut self.customer_id);
        changes.status.apply(&mut self.status);
        changes.total.apply(&mut self.total);
        changes.note.apply(&mut self.note);
        Ok(())
    }
}

/// What a listing is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    pub customer_id: Option<Uuid>,
    pub status: Option<OrderStatus>,
    pub total: Option<Decimal>,
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
    pub customer: HashMap<Uuid, crate::user_refs::UserRef>,
}
