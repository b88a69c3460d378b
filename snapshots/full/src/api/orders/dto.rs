//! Orders as clients write and see them.

#![allow(clippy::doc_markdown, reason = "descriptions are written for clients")]

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::domain;
use crate::{
    db::listing,
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
    /// ID of the account that owns the order.
    pub owner_id: Uuid,
    /// ID of the product.
    pub product_id: Uuid,
    /// The order's status.
    pub status: super::OrderStatus,
    /// The order's quantity.
    #[schema(example = 3)]
    pub quantity: i32,
    /// When the order was placed (UTC).
    #[schema(example = "2026-01-31T12:30:00Z")]
    pub placed_at: DateTime<Utc>,
    /// The order's ship-by date.
    #[schema(required)]
    pub ship_by: Option<NaiveDate>,
    /// The order's contact.
    #[schema(format = "email", example = "ada@example.org")]
    pub contact: String,
    /// The order's tracking.
    #[schema(required)]
    pub tracking: Option<Uuid>,
    /// Whether the order is a gift.
    pub gift: bool,
    /// The order's type.
    #[schema(required)]
    pub r#type: Option<super::OrderType>,
    /// The order's tags.
    #[schema(required, example = json!({"priority":"high"}))]
    pub tags: Option<Value>,
    /// Note for the packer. Customers do not see it.
    #[schema(required, example = "Leave the parcel at the back door.")]
    pub note: Option<String>,
    /// When the order was created (UTC).
    pub created_at: DateTime<Utc>,
    /// When the order was last updated (UTC).
    pub updated_at: DateTime<Utc>,
    /// Number of the version, counted from 1. Also sent as the `ETag`.
    pub version: i64,
    /// The owner; only present if `include` names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub owner: Option<Box<crate::auth::user_refs::UserRef>>,
    /// The product; only present if `include` names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, no_recursion)]
    pub product: Option<Box<crate::api::products::dto::ProductResponse>>,
}

/// An order to create. Omitted fields take their defaults.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct NewOrder {
    /// ID of the product.
    pub product_id: Uuid,
    /// The order's status.
    #[schema(default = "draft")]
    #[serde(default = "default_status")]
    pub status: super::OrderStatus,
    /// The order's quantity.
    #[garde(range(min = 1, max = 1000))]
    #[schema(minimum = 1, maximum = 1000, default = 1, example = 3)]
    #[serde(default = "default_quantity")]
    pub quantity: i32,
    /// When the order was placed (UTC).
    #[garde(custom(rules::datetime))]
    #[schema(example = "2026-01-31T12:30:00Z")]
    #[serde(default = "default_placed_at")]
    pub placed_at: DateTime<Utc>,
    /// The order's ship-by date.
    #[garde(inner(custom(rules::date)))]
    pub ship_by: Option<NaiveDate>,
    /// The order's contact.
    #[garde(length(chars, min = 3, max = 254), custom(rules::email))]
    #[schema(min_length = 3, max_length = 254, format = "email", example = "ada@example.org")]
    pub contact: String,
    /// The order's tracking.
    pub tracking: Option<Uuid>,
    /// Whether the order is a gift.
    #[schema(default = false)]
    #[serde(default)]
    pub gift: bool,
    /// The order's type.
    pub r#type: Option<super::OrderType>,
    /// The order's tags.
    #[garde(inner(custom(rules::json)))]
    #[schema(example = json!({"priority":"high"}))]
    pub tags: Option<Value>,
    /// Note for the packer. Customers do not see it.
    #[garde(length(chars, max = 65_536), inner(custom(rules::text)))]
    #[schema(max_length = 65536, example = "Leave the parcel at the back door.")]
    pub note: Option<String>,
}

fn default_status() -> super::OrderStatus {
    super::OrderStatus::Draft
}

fn default_quantity() -> i32 {
    1
}

fn default_placed_at() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// New values of an order.
#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct OrderReplacement {
    pub product_id: Uuid,
    #[serde(default = "default_status")]
    pub status: super::OrderStatus,
    #[garde(range(min = 1, max = 1000))]
    #[serde(default = "default_quantity")]
    pub quantity: i32,
    #[garde(inner(custom(rules::datetime)))]
    #[serde(default)]
    pub placed_at: Patch<DateTime<Utc>>,
    #[garde(inner(custom(rules::date)))]
    pub ship_by: Option<NaiveDate>,
    #[garde(length(chars, min = 3, max = 254), custom(rules::email))]
    pub contact: String,
    pub tracking: Option<Uuid>,
    #[serde(default)]
    pub gift: bool,
    pub r#type: Option<super::OrderType>,
    #[garde(inner(custom(rules::json)))]
    pub tags: Option<Value>,
    #[garde(length(chars, max = 65_536), inner(custom(rules::text)))]
    pub note: Option<String>,
}

merge_patch::replacement_schema!(OrderReplacement, of NewOrder, keeping ["placed_at"]);

/// Changes to an order.
#[derive(Clone, Default, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct OrderPatch {
    pub product_id: Patch<Uuid>,
    pub status: Patch<super::OrderStatus>,
    #[garde(inner(range(min = 1, max = 1000)))]
    pub quantity: Patch<i32>,
    #[garde(inner(custom(rules::datetime)))]
    pub placed_at: Patch<DateTime<Utc>>,
    #[garde(inner(inner(custom(rules::date))))]
    pub ship_by: Patch<Option<NaiveDate>>,
    #[garde(inner(length(chars, min = 3, max = 254), custom(rules::email)))]
    pub contact: Patch<String>,
    pub tracking: Patch<Option<Uuid>>,
    pub gift: Patch<bool>,
    pub r#type: Patch<Option<super::OrderType>>,
    #[garde(inner(inner(custom(rules::json))))]
    pub tags: Patch<Option<Value>>,
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
    /// Return only orders owned by this account.
    pub owner_id: Option<Uuid>,
    /// Return only orders with this product.
    pub product_id: Option<Uuid>,
    /// Return only orders whose status equals this value.
    pub status: Option<super::OrderStatus>,
    /// Return only orders whose quantity equals this value.
    pub quantity: Option<i32>,
    /// Return only orders placed at this time (UTC).
    #[garde(inner(custom(rules::datetime)))]
    pub placed_at: Option<DateTime<Utc>>,
    /// Return only orders whose ship-by date equals this value.
    #[garde(inner(custom(rules::date)))]
    pub ship_by: Option<NaiveDate>,
    /// Return only orders whose contact equals this value.
    #[garde(inner(custom(rules::text)))]
    pub contact: Option<String>,
    /// Return only orders whose tracking equals this value.
    pub tracking: Option<Uuid>,
    /// Return only orders whose gift flag equals this value.
    pub gift: Option<bool>,
    /// Return only orders whose type equals this value.
    pub r#type: Option<super::OrderType>,
}

/// A relation to include in each of the orders.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, ToSchema)]
pub enum OrderInclude {
    #[serde(rename = "owner")]
    Owner,
    #[serde(rename = "product")]
    Product,
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
            owner_id: row.owner_id,
            product_id: row.product_id,
            status: row.status,
            quantity: row.quantity,
            placed_at: row.placed_at,
            ship_by: row.ship_by,
            contact: row.contact,
            tracking: row.tracking,
            gift: row.gift,
            r#type: row.r#type,
            tags: row.tags,
            note: row.note,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
            owner: None,
            product: None,
        }
    }
}
