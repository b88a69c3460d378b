//! Orders as clients see them.

use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::domain;
use crate::{decimals::at_scale, merge_patch::Patch, paging, rules};

/// An order.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct Order {
    /// Its id.
    pub id: Uuid,
    /// The id of its customer.
    pub customer_id: Uuid,
    /// Its status.
    pub status: OrderStatus,
    /// Its total.
    #[schema(value_type = String, format = "decimal", example = "0.01")]
    pub total: Decimal,
    /// Its note.
    #[schema(required, example = "text 0")]
    pub note: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Counts its changes, from 1; its `ETag`.
    #[schema(example = 1)]
    pub version: i64,
}

/// The status of an order.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
pub enum OrderStatus {
    #[serde(rename = "draft")]
    Draft,
    #[serde(rename = "paid")]
    Paid,
    #[serde(rename = "shipped")]
    Shipped,
}

/// All that clients decide about an order.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// The id of its customer.
    #[garde(skip)]
    pub customer_id: Uuid,
    /// Its status.
    #[garde(skip)]
    #[schema(default = "draft")]
    #[serde(default = "default_status")]
    pub status: OrderStatus,
    /// Its total.
    #[garde(custom(rules::decimal(12, 2)))]
    #[schema(value_type = String, format = "decimal", pattern = r"^-?\d{1,10}(\.\d{1,2})?$", example = "0.01")]
    pub total: Decimal,
    /// Its note.
    #[garde(length(chars, max = 65_536), inner(custom(rules::text)))]
    #[schema(max_length = 65536, example = "text 0")]
    pub note: Option<String>,
}

fn default_status() -> OrderStatus {
    OrderStatus::Draft
}

/// Orders to be made together.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewOrderBatch {
    /// From 1 to 100.
    #[garde(length(min = 1, max = 100), dive)]
    #[schema(min_items = 1, max_items = 100)]
    pub items: Vec<NewOrder>,
}

/// Orders that were made together, in the order of the request.
#[derive(Serialize, ToSchema)]
pub struct OrderBatch {
    /// The orders.
    pub items: Vec<Order>,
}

/// An order, and what was read along with it.
#[derive(Serialize, ToSchema)]
pub struct ListedOrder {
    /// The order.
    #[serde(flatten)]
    pub order: Order,
    /// Its customer, where `include` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub customer: Option<crate::user_refs::UserRef>,
}

/// A page of orders.
#[derive(Serialize, ToSchema)]
pub struct OrderPage {
    /// As many as were asked for, or fewer at the end.
    pub items: Vec<ListedOrder>,
    /// What `cursor` takes to go on from here; `null` at the end.
    #[schema(required, example = "eyJzb3J0IjoiLWNyZWF0ZWRfYXQi")]
    pub next_cursor: Option<String>,
}

/// Some of what clients decide about an order: what is left out stays, `null` empties.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct OrderPatch {
    /// The id of its customer.
    #[garde(skip)]
    #[schema(value_type = Uuid, )]
    #[serde(default)]
    pub customer_id: Patch<Uuid>,
    /// Its status.
    #[garde(skip)]
    #[schema(value_type = OrderStatus, )]
    #[serde(default)]
    pub status: Patch<OrderStatus>,
    /// Its total.
    #[garde(inner(custom(rules::decimal(12, 2))))]
    #[schema(value_type = String, format = "decimal", pattern = r"^-?\d{1,10}(\.\d{1,2})?$", example = "0.01")]
    #[serde(default)]
    pub total: Patch<Decimal>,
    /// Its note.
    #[garde(inner(length(chars, max = 65_536), inner(custom(rules::text))))]
    #[schema(value_type = Option<String>, max_length = 65536, example = "text 0")]
    #[serde(default)]
    pub note: Patch<Option<String>>,
}

/// What a listing of orders can be asked for.
#[derive(Deserialize, IntoParams, Validate)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OrderQuery {
    /// How many a page has at most; 20 where nothing is said.
    #[garde(range(min = 1, max = 100))]
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[garde(skip)]
    #[param(min_length = 1)]
    pub cursor: Option<String>,
    /// What to sort by, after a `-` for descending; `-created_at` where nothing is said.
    #[garde(skip)]
    #[param(pattern = "^-?(created_at|updated_at|status|total)$", example = "-created_at")]
    pub sort: Option<String>,
    /// What to read along, separated by commas.
    #[garde(skip)]
    #[param(style = Form, explode = false, inline)]
    #[serde(default, deserialize_with = "paging::comma_separated")]
    pub include: Vec<OrderInclude>,
    /// Only those of this customer.
    #[garde(skip)]
    pub customer_id: Option<Uuid>,
    /// Only those of this status.
    #[garde(skip)]
    pub status: Option<OrderStatus>,
    /// Only those of this total.
    #[garde(inner(custom(rules::decimal(12, 2))))]
    #[param(value_type = Option<String>, format = "decimal", pattern = r"^-?\d{1,10}(\.\d{1,2})?$")]
    pub total: Option<Decimal>,
    /// Only those made then or later.
    #[garde(inner(custom(rules::datetime)))]
    pub created_at_from: Option<DateTime<Utc>>,
    /// Only those made before.
    #[garde(inner(custom(rules::datetime)))]
    pub created_at_to: Option<DateTime<Utc>>,
}

/// What can be read along with an order.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, ToSchema)]
pub enum OrderInclude {
    #[serde(rename = "customer")]
    Customer,
}

impl OrderQuery {
    /// Its parts: which orders, which page of them, and what along with them.
    pub fn into_parts(self) -> (domain::OrderFilter, paging::Ask, domain::OrderInclude) {
        let filter = domain::OrderFilter {
            customer_id: self.customer_id,
            status: self.status.map(Into::into),
            total: self.total,
            created_at_from: self.created_at_from,
            created_at_to: self.created_at_to,
        };
        let ask = paging::Ask { limit: self.limit, cursor: self.cursor, sort: self.sort };
        let include =
            domain::OrderInclude { customer: self.include.contains(&OrderInclude::Customer) };
        (filter, ask, include)
    }
}
impl OrderPage {
    /// With what was read along.
    pub fn with(page: paging::Page<domain::Order>, included: &domain::OrderIncluded) -> Self {
        let items = page.items.into_iter().map(|order| ListedOrder::with(order, included));
        Self { items: items.collect(), next_cursor: page.next_cursor }
    }
}

impl ListedOrder {
    fn with(order: domain::Order, included: &domain::OrderIncluded) -> Self {
        Self { customer: included.customer.get(&order.customer_id).cloned(), order: order.into() }
    }
}

impl From<domain::Order> for Order {
    fn from(order: domain::Order) -> Self {
        Self {
            id: order.id,
            customer_id: order.customer_id,
            status: order.status.into(),
            total: at_scale(order.total, 2),
            note: order.note,
            created_at: order.created_at,
            updated_at: order.updated_at,
            version: order.version,
        }
    }
}

impl From<NewOrder> for domain::NewOrder {
    fn from(new: NewOrder) -> Self {
        Self {
            customer_id: new.customer_id,
            status: new.status.into(),
            total: new.total,
            note: new.note,
        }
    }
}

impl From<OrderPatch> for domain::OrderChanges {
    fn from(patch: OrderPatch) -> Self {
        Self {
            customer_id: patch.customer_id,
            status: patch.status.map(Into::into),
            total: patch.total,
            note: patch.note,
        }
    }
}

impl From<domain::OrderStatus> for OrderStatus {
    fn from(value: domain::OrderStatus) -> Self {
        match value {
            domain::OrderStatus::Draft => Self::Draft,
            domain::OrderStatus::Paid => Self::Paid,
            domain::OrderStatus::Shipped => Self::Shipped,
        }
    }
}

impl From<OrderStatus> for domain::OrderStatus {
    fn from(value: OrderStatus) -> Self {
        match value {
            OrderStatus::Draft => Self::Draft,
            OrderStatus::Paid => Self::Paid,
            OrderStatus::Shipped => Self::Shipped,
        }
    }
}
