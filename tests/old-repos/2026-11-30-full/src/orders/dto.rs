//! Orders as clients see them.

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::domain;
use crate::{merge_patch::Patch, paging, rules};

/// An order.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct Order {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub owner_id: Uuid,
    /// The id of its product.
    pub product_id: Uuid,
    /// Its status.
    pub status: OrderStatus,
    /// Its quantity.
    #[schema(example = 1)]
    pub quantity: i32,
    /// Its placed at.
    #[schema(example = "2000-01-31T12:30:00Z")]
    pub placed_at: DateTime<Utc>,
    /// Its ship by.
    #[schema(required)]
    pub ship_by: Option<NaiveDate>,
    /// Its contact.
    #[schema(format = "email", example = "ada0@example.org")]
    pub contact: String,
    /// Its tracking.
    #[schema(required)]
    pub tracking: Option<Uuid>,
    /// Its gift.
    pub gift: bool,
    /// Its type.
    #[schema(required)]
    pub r#type: Option<OrderType>,
    /// Its tags.
    #[schema(required, example = json!({"n":0}))]
    pub tags: Option<Value>,
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

/// The type of an order.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
pub enum OrderType {
    #[serde(rename = "retail")]
    Retail,
    #[serde(rename = "wholesale")]
    Wholesale,
}

/// All that clients decide about an order.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// The id of its product.
    #[garde(skip)]
    pub product_id: Uuid,
    /// Its status.
    #[garde(skip)]
    #[schema(default = "draft")]
    #[serde(default = "default_status")]
    pub status: OrderStatus,
    /// Its quantity.
    #[garde(range(min = 1, max = 1000))]
    #[schema(minimum = 1, maximum = 1000, default = 1, example = 1)]
    #[serde(default = "default_quantity")]
    pub quantity: i32,
    /// Its placed at.
    #[garde(custom(rules::datetime))]
    #[schema(example = "2000-01-31T12:30:00Z")]
    #[serde(default = "default_placed_at")]
    pub placed_at: DateTime<Utc>,
    /// Its ship by.
    #[garde(inner(custom(rules::date)))]
    pub ship_by: Option<NaiveDate>,
    /// Its contact.
    #[garde(length(chars, min = 3, max = 254), custom(rules::email))]
    #[schema(min_length = 3, max_length = 254, format = "email", example = "ada0@example.org")]
    pub contact: String,
    /// Its tracking.
    #[garde(skip)]
    pub tracking: Option<Uuid>,
    /// Its gift.
    #[garde(skip)]
    #[schema(default = false)]
    #[serde(default = "default_gift")]
    pub gift: bool,
    /// Its type.
    #[garde(skip)]
    pub r#type: Option<OrderType>,
    /// Its tags.
    #[garde(inner(custom(rules::json)))]
    #[schema(example = json!({"n":0}))]
    pub tags: Option<Value>,
    /// Its note.
    #[garde(length(chars, max = 65_536), inner(custom(rules::text)))]
    #[schema(max_length = 65536, example = "text 0")]
    pub note: Option<String>,
}

fn default_status() -> OrderStatus {
    OrderStatus::Draft
}

fn default_quantity() -> i32 {
    1
}

fn default_placed_at() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

fn default_gift() -> bool {
    false
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
    /// Its owner, where `include` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub owner: Option<crate::user_refs::UserRef>,
    /// Its product, where `include` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub product: Option<crate::products::dto::Product>,
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
    /// The id of its product.
    #[garde(skip)]
    #[schema(value_type = Uuid, )]
    #[serde(default)]
    pub product_id: Patch<Uuid>,
    /// Its status.
    #[garde(skip)]
    #[schema(value_type = OrderStatus, )]
    #[serde(default)]
    pub status: Patch<OrderStatus>,
    /// Its quantity.
    #[garde(inner(range(min = 1, max = 1000)))]
    #[schema(value_type = i32, minimum = 1, maximum = 1000, example = 1)]
    #[serde(default)]
    pub quantity: Patch<i32>,
    /// Its placed at.
    #[garde(inner(custom(rules::datetime)))]
    #[schema(value_type = DateTime<Utc>, example = "2000-01-31T12:30:00Z")]
    #[serde(default)]
    pub placed_at: Patch<DateTime<Utc>>,
    /// Its ship by.
    #[garde(inner(inner(custom(rules::date))))]
    #[schema(value_type = Option<NaiveDate>, )]
    #[serde(default)]
    pub ship_by: Patch<Option<NaiveDate>>,
    /// Its contact.
    #[garde(inner(length(chars, min = 3, max = 254), custom(rules::email)))]
    #[schema(value_type = String, min_length = 3, max_length = 254, format = "email", example = "ada0@example.org")]
    #[serde(default)]
    pub contact: Patch<String>,
    /// Its tracking.
    #[garde(skip)]
    #[schema(value_type = Option<Uuid>, )]
    #[serde(default)]
    pub tracking: Patch<Option<Uuid>>,
    /// Its gift.
    #[garde(skip)]
    #[schema(value_type = bool, )]
    #[serde(default)]
    pub gift: Patch<bool>,
    /// Its type.
    #[garde(skip)]
    #[schema(value_type = Option<OrderType>, )]
    #[serde(default)]
    pub r#type: Patch<Option<OrderType>>,
    /// Its tags.
    #[garde(inner(inner(custom(rules::json))))]
    #[schema(value_type = Option<Value>, example = json!({"n":0}))]
    #[serde(default)]
    pub tags: Patch<Option<Value>>,
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
    #[param(
        pattern = "^-?(created_at|updated_at|status|quantity|placed_at|contact)$",
        example = "-created_at"
    )]
    pub sort: Option<String>,
    /// What to read along, separated by commas.
    #[garde(skip)]
    #[param(style = Form, explode = false, inline)]
    #[serde(default, deserialize_with = "paging::comma_separated")]
    pub include: Vec<OrderInclude>,
    /// Only those of this account.
    #[garde(skip)]
    pub owner_id: Option<Uuid>,
    /// Only those of this product.
    #[garde(skip)]
    pub product_id: Option<Uuid>,
    /// Only those of this status.
    #[garde(skip)]
    pub status: Option<OrderStatus>,
    /// Only those of this quantity.
    #[garde(range(min = 1, max = 1000))]
    #[param(minimum = 1, maximum = 1000)]
    pub quantity: Option<i32>,
    /// Only those of this placed at.
    #[garde(inner(custom(rules::datetime)))]
    pub placed_at: Option<DateTime<Utc>>,
    /// Only those of this ship by.
    #[garde(inner(custom(rules::date)))]
    pub ship_by: Option<NaiveDate>,
    /// Only those of this contact.
    #[garde(length(chars, min = 3, max = 254), inner(custom(rules::email)))]
    #[param(min_length = 3, max_length = 254, format = "email")]
    pub contact: Option<String>,
    /// Only those of this tracking.
    #[garde(skip)]
    pub tracking: Option<Uuid>,
    /// Only those that are gift, or are not.
    #[garde(skip)]
    pub gift: Option<bool>,
    /// Only those of this type.
    #[garde(skip)]
    pub r#type: Option<OrderType>,
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
    #[serde(rename = "owner")]
    Owner,
    #[serde(rename = "product")]
    Product,
}

impl OrderQuery {
    /// Its parts: which orders, which page of them, and what along with them.
    pub fn into_parts(self) -> (domain::OrderFilter, paging::Ask, domain::OrderInclude) {
        let filter = domain::OrderFilter {
            owner_id: self.owner_id,
            product_id: self.product_id,
            status: self.status.map(Into::into),
            quantity: self.quantity,
            placed_at: self.placed_at,
            ship_by: self.ship_by,
            contact: self.contact,
            tracking: self.tracking,
            gift: self.gift,
            r#type: self.r#type.map(Into::into),
            created_at_from: self.created_at_from,
            created_at_to: self.created_at_to,
        };
        let ask = paging::Ask { limit: self.limit, cursor: self.cursor, sort: self.sort };
        let include = domain::OrderInclude {
            owner: self.include.contains(&OrderInclude::Owner),
            product: self.include.contains(&OrderInclude::Product),
        };
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
        Self {
            owner: included.owner.get(&order.owner_id).cloned(),
            product: included.product.get(&order.product_id).cloned().map(Into::into),
            order: order.into(),
        }
    }
}

impl From<domain::Order> for Order {
    fn from(order: domain::Order) -> Self {
        Self {
            id: order.id,
            owner_id: order.owner_id,
            product_id: order.product_id,
            status: order.status.into(),
            quantity: order.quantity,
            placed_at: order.placed_at,
            ship_by: order.ship_by,
            contact: order.contact,
            tracking: order.tracking,
            gift: order.gift,
            r#type: order.r#type.map(Into::into),
            tags: order.tags,
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
            product_id: new.product_id,
            status: new.status.into(),
            quantity: new.quantity,
            placed_at: new.placed_at,
            ship_by: new.ship_by,
            contact: new.contact,
            tracking: new.tracking,
            gift: new.gift,
            r#type: new.r#type.map(Into::into),
            tags: new.tags,
            note: new.note,
        }
    }
}

impl From<OrderPatch> for domain::OrderChanges {
    fn from(patch: OrderPatch) -> Self {
        Self {
            product_id: patch.product_id,
            status: patch.status.map(Into::into),
            quantity: patch.quantity,
            placed_at: patch.placed_at,
            ship_by: patch.ship_by,
            contact: patch.contact,
            tracking: patch.tracking,
            gift: patch.gift,
            r#type: patch.r#type.map(|value| value.map(Into::into)),
            tags: patch.tags,
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

impl From<domain::OrderType> for OrderType {
    fn from(value: domain::OrderType) -> Self {
        match value {
            domain::OrderType::Retail => Self::Retail,
            domain::OrderType::Wholesale => Self::Wholesale,
        }
    }
}

impl From<OrderType> for domain::OrderType {
    fn from(value: OrderType) -> Self {
        match value {
            OrderType::Retail => Self::Retail,
            OrderType::Wholesale => Self::Wholesale,
        }
    }
}
