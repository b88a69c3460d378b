//! An order and its rules.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::dto;
use crate::error::Error;

/// An order as the database stores it.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct OrderRow {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub status: super::OrderStatus,
    pub total: Decimal,
    pub note: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

#[allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "for your own rules")]
impl OrderRow {
    /// Replace all fields. A rule on changes goes here and into [`Self::change`], a rule on new
    /// rows into `Service::create` and `create_all`.
    pub fn replace(&mut self, new: dto::NewOrder) -> Result<(), Error> {
        self.customer_id = new.customer_id;
        self.status = new.status;
        self.total = new.total;
        self.note = new.note;
        Ok(())
    }

    /// Apply a merge patch.
    pub fn change(&mut self, patch: dto::OrderPatch) -> Result<(), Error> {
        patch.customer_id.apply(&mut self.customer_id);
        patch.status.apply(&mut self.status);
        patch.total.apply(&mut self.total);
        patch.note.apply(&mut self.note);
        Ok(())
    }
}
