//! Orders as clients see them.

use chrono::{DateTime, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::domain;
use crate::{
    customers::dto::Customer,
    extract,
    merge_patch::Patch,
    paging::{self, Page},
    rules,
};

/// An order.
#[derive(Serialize, ToSchema)]
pub struct Order {
    /// Its id.
    pub id: Uuid,
    /// The id of its customer.
    pub customer_id: Uuid,
    /// Its customer, where `include` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub customer: Option<Customer>,
    /// Its status.
    pub status: OrderStatus,
    /// Its total.
    #[schema(value_type = String, format = "decimal", example = "0.01")]
    pub total: Decimal,
    /// Its placed at.
    #[schema(required, example = "2020-01-31T12:30:00Z")]
    pub placed_at: Option<DateTime<Utc>>,
    /// Its note.
    #[schema(required, example = "text 0")]
    pub note: Option<String>,
    /// Its tags.
    #[schema(required, example = json!({"n": 0}))]
    pub tags: Option<Value>,
    /// Its priority.
    #[schema(example = 0)]
    pub priority: i32,
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
    /// draft
    #[serde(rename = "draft")]
    Draft,
    /// paid
    #[serde(rename = "paid")]
    Paid,
    /// shipped
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
    /// Its placed at.
    #[garde(inner(custom(rules::datetime)))]
    #[schema(example = "2020-01-31T12:30:00Z")]
    pub placed_at: Option<DateTime<Utc>>,
    /// Its note.
    #[garde(length(chars, max = 65536), inner(custom(rules::text)))]
    #[schema(max_length = 65536, example = "text 0")]
    pub note: Option<String>,
    /// Its tags.
    #[garde(inner(custom(rules::json)))]
    #[schema(example = json!({"n": 0}))]
    pub tags: Option<Value>,
    /// Its priority.
    #[garde(range(min = 0, max = 10))]
    #[schema(minimum = 0, maximum = 10, default = 0, example = 0)]
    #[serde(default = "default_priority")]
    pub priority: i32,
    /// Its secret code. Kept, and never shown.
    #[garde(length(chars, max = 255), inner(custom(rules::text)))]
    #[schema(write_only, max_length = 255, example = "0xxxxxxx")]
    pub secret_code: Option<String>,
}

fn default_status() -> OrderStatus {
    OrderStatus::Draft
}

fn default_priority() -> i32 {
    0
}

/// Orders to be made together.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewOrders {
    /// From 1 to 100.
    #[garde(length(min = 1, max = 100), dive)]
    #[schema(min_items = 1, max_items = 100)]
    pub items: Vec<NewOrder>,
}

/// Orders that were made together, in the order of the request.
#[derive(Serialize, ToSchema)]
pub struct CreatedOrders {
    /// The orders.
    pub items: Vec<Order>,
}

/// A page of orders.
#[derive(Serialize, ToSchema)]
pub struct OrderPage {
    /// As many as were asked for, or fewer at the end.
    pub items: Vec<Order>,
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
    #[schema(value_type = Uuid)]
    #[serde(default)]
    pub customer_id: Patch<Uuid>,
    /// Its status.
    #[garde(skip)]
    #[schema(value_type = OrderStatus)]
    #[serde(default)]
    pub status: Patch<OrderStatus>,
    /// Its total.
    #[garde(inner(custom(rules::decimal(12, 2))))]
    #[schema(value_type = String, format = "decimal", pattern = r"^-?\d{1,10}(\.\d{1,2})?$", example = "0.01")]
    #[serde(default)]
    pub total: Patch<Decimal>,
    /// Its placed at.
    #[garde(inner(inner(custom(rules::datetime))))]
    #[schema(value_type = Option<DateTime<Utc>>, example = "2020-01-31T12:30:00Z")]
    #[serde(default)]
    pub placed_at: Patch<Option<DateTime<Utc>>>,
    /// Its note.
    #[garde(inner(length(chars, max = 65536), inner(custom(rules::text))))]
    #[schema(value_type = Option<String>, max_length = 65536, example = "text 0")]
    #[serde(default)]
    pub note: Patch<Option<String>>,
    /// Its tags.
    #[garde(inner(inner(custom(rules::json))))]
    #[schema(value_type = Option<Value>, example = json!({"n": 0}))]
    #[serde(default)]
    pub tags: Patch<Option<Value>>,
    /// Its priority.
    #[garde(inner(range(min = 0, max = 10)))]
    #[schema(value_type = i32, minimum = 0, maximum = 10, example = 0)]
    #[serde(default)]
    pub priority: Patch<i32>,
    /// Its secret code. Kept, and never shown.
    #[garde(inner(length(chars, max = 255), inner(custom(rules::text))))]
    #[schema(value_type = Option<String>, write_only, max_length = 255, example = "0xxxxxxx")]
    #[serde(default)]
    pub secret_code: Patch<Option<String>>,
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
    #[param(
        pattern = "^-?(created_at|updated_at|status|total|priority)$",
        example = "-created_at"
    )]
    pub sort: Option<String>,
    /// What to read along, separated by commas.
    #[garde(skip)]
    #[param(style = Form, explode = false, inline)]
    #[serde(default, deserialize_with = "extract::comma_separated")]
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
    /// Only those of this placed at.
    #[garde(inner(custom(rules::datetime)))]
    pub placed_at: Option<DateTime<Utc>>,
    /// Only those of this priority.
    #[garde(range(min = 0, max = 10))]
    #[param(minimum = 0, maximum = 10)]
    pub priority: Option<i32>,
    /// Only those made then or later.
    #[garde(inner(custom(rules::datetime)))]
    pub created_at_from: Option<DateTime<Utc>>,
    /// Only those made before.
    #[garde(inner(custom(rules::datetime)))]
    pub created_at_to: Option<DateTime<Utc>>,
}

/// What can be read along with an order.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderInclude {
    /// Its customer.
    Customer,
}

impl OrderQuery {
    /// Its three parts: which orders, which page of them, and what along with them.
    pub fn into_parts(self) -> (domain::OrderFilter, paging::Ask, domain::OrderInclude) {
        let filter = domain::OrderFilter {
            customer_id: self.customer_id,
            status: self.status.map(Into::into),
            total: self.total,
            placed_at: self.placed_at,
            priority: self.priority,
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
    pub fn with(page: Page<domain::Order>, included: &domain::OrderIncluded) -> Self {
        let items = page.items.into_iter().map(|order| Order::with(order, included)).collect();
        Self { items, next_cursor: page.next_cursor }
    }
}

impl Order {
    /// With what was read along.
    pub fn with(order: domain::Order, included: &domain::OrderIncluded) -> Self {
        let customer = included.customers.get(&order.customer_id).cloned().map(Into::into);
        Self { customer, ..order.into() }
    }
}

impl From<domain::Order> for Order {
    fn from(order: domain::Order) -> Self {
        Self {
            id: order.id,
            customer_id: order.customer_id,
            customer: None,
            status: order.status.into(),
            total: order.total,
            placed_at: order.placed_at,
            note: order.note,
            tags: order.tags,
            priority: order.priority,
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
            placed_at: new.placed_at,
            note: new.note,
            tags: new.tags,
            priority: new.priority,
            secret_code: new.secret_code,
        }
    }
}

impl From<OrderPatch> for domain::OrderChanges {
    fn from(patch: OrderPatch) -> Self {
        Self {
            customer_id: patch.customer_id,
            status: patch.status.map(Into::into),
            total: patch.total,
            placed_at: patch.placed_at,
            note: patch.note,
            tags: patch.tags,
            priority: patch.priority,
            secret_code: patch.secret_code,
        }
    }
}

impl From<domain::OrderStatus> for OrderStatus {
    fn from(status: domain::OrderStatus) -> Self {
        match status {
            domain::OrderStatus::Draft => Self::Draft,
            domain::OrderStatus::Paid => Self::Paid,
            domain::OrderStatus::Shipped => Self::Shipped,
        }
    }
}

impl From<OrderStatus> for domain::OrderStatus {
    fn from(status: OrderStatus) -> Self {
        match status {
            OrderStatus::Draft => Self::Draft,
            OrderStatus::Paid => Self::Paid,
            OrderStatus::Shipped => Self::Shipped,
        }
    }
}
