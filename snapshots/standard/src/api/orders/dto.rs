//! Orders as clients write and see them.

use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::domain;
use crate::{
    db::{decimals::at_scale, listing},
    http::{
        batch,
        merge_patch::{self, Patch},
        paging, rules,
    },
};

/// An order.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderResponse {
    /// ID of the order.
    pub id: Uuid,
    /// ID of the customer.
    pub customer_id: Uuid,
    /// The order's status.
    pub status: super::OrderStatus,
    /// The order's total.
    #[schema(value_type = String, format = "decimal", example = "19.90")]
    pub total: Decimal,
    /// The order's note.
    #[schema(required, example = "Leave the parcel at the back door.")]
    pub note: Option<String>,
    /// When the order was created (UTC).
    pub created_at: DateTime<Utc>,
    /// When the order was last updated (UTC).
    pub updated_at: DateTime<Utc>,
    /// Number of the version, counted from 1. Also sent as the `ETag`.
    pub version: i64,
    /// The customer; only present if `include` names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub customer: Option<Box<crate::auth::user_refs::UserRef>>,
}

/// An order to create. Omitted fields take their defaults.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct NewOrder {
    /// ID of the customer.
    pub customer_id: Uuid,
    /// The order's status.
    #[schema(default = "draft")]
    #[serde(default = "default_status")]
    pub status: super::OrderStatus,
    /// The order's total.
    #[garde(custom(rules::decimal(12, 2)))]
    #[schema(value_type = String, format = "decimal", pattern = r"^-?\d{1,10}(\.\d{1,2})?$", example = "19.90")]
    pub total: Decimal,
    /// The order's note.
    #[garde(length(chars, max = 65_536), inner(custom(rules::text)))]
    #[schema(max_length = 65536, example = "Leave the parcel at the back door.")]
    pub note: Option<String>,
}

fn default_status() -> super::OrderStatus {
    super::OrderStatus::Draft
}

/// Changes to an order.
#[derive(Clone, Default, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct OrderPatch {
    pub customer_id: Patch<Uuid>,
    pub status: Patch<super::OrderStatus>,
    #[garde(inner(custom(rules::decimal(12, 2))))]
    pub total: Patch<Decimal>,
    #[garde(inner(length(chars, max = 65_536), inner(custom(rules::text))))]
    pub note: Patch<Option<String>>,
}

merge_patch::schema!(OrderPatch, of NewOrder);

/// Filters of the listing of orders.
#[derive(Deserialize, IntoParams, Validate)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct OrderFilter {
    /// Return only orders with this customer.
    pub customer_id: Option<Uuid>,
    /// Return only orders whose status equals this value.
    pub status: Option<super::OrderStatus>,
    /// Return only orders whose total equals this value.
    #[garde(inner(custom(rules::decimal(12, 2))))]
    #[param(value_type = Option<String>, format = "decimal")]
    pub total: Option<Decimal>,
}

/// A relation to include in each of the orders.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, ToSchema)]
pub enum OrderInclude {
    #[serde(rename = "customer")]
    Customer,
}

pub type OrderListing = paging::Listing<OrderFilter, OrderInclude>;
pub type OrderPage = listing::Page<OrderResponse>;
pub type OrderBatch = batch::Batch<OrderResponse>;
pub type NewOrderBatch = batch::NewBatch<NewOrder>;
pub type OrderPatchBatch = batch::PatchBatch<OrderPatch>;

impl From<domain::OrderRow> for OrderResponse {
    fn from(row: domain::OrderRow) -> Self {
        Self {
            id: row.id,
            customer_id: row.customer_id,
            status: row.status,
            total: at_scale(row.total, 2),
            note: row.note,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
            customer: None,
        }
    }
}
