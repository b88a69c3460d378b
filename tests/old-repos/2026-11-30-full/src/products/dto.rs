//! Products as clients see them.

use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::domain;
use crate::{decimals::at_scale, merge_patch::Patch, paging, rules};

/// A product.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct Product {
    /// Its id.
    pub id: Uuid,
    /// The id of its category.
    pub category_id: Uuid,
    /// Its sku.
    #[schema(example = "0xxxxxxx")]
    pub sku: String,
    /// Its name.
    #[schema(example = "0xxxxxxx")]
    pub name: String,
    /// Its price.
    #[schema(value_type = String, format = "decimal", example = "0.01")]
    pub price: Decimal,
    /// Its weight.
    #[schema(required, value_type = Option<String>, format = "decimal", example = "0.001")]
    pub weight: Option<Decimal>,
    /// Its stock.
    #[schema(example = 0)]
    pub stock: i64,
    /// Its released.
    #[schema(required)]
    pub released: Option<NaiveDate>,
    /// Its homepage.
    #[schema(required, format = "uri", example = "https://example.org/0")]
    pub homepage: Option<String>,
    /// Its details.
    #[schema(example = json!({"n":0}))]
    pub details: Value,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Counts its changes, from 1; its `ETag`.
    #[schema(example = 1)]
    pub version: i64,
}

/// All that clients decide about a product.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    /// The id of its category.
    #[garde(skip)]
    pub category_id: Uuid,
    /// Its sku.
    #[garde(length(chars, min = 4, max = 20), custom(rules::text))]
    #[schema(min_length = 4, max_length = 20, example = "0xxxxxxx")]
    pub sku: String,
    /// Its name.
    #[garde(length(chars, min = 1, max = 200), custom(rules::text))]
    #[schema(min_length = 1, max_length = 200, example = "0xxxxxxx")]
    pub name: String,
    /// Its price.
    #[garde(custom(rules::decimal(12, 2)))]
    #[schema(value_type = String, format = "decimal", pattern = r"^-?\d{1,10}(\.\d{1,2})?$", example = "0.01")]
    pub price: Decimal,
    /// Its weight.
    #[garde(inner(custom(rules::decimal(8, 3))))]
    #[schema(value_type = Option<String>, format = "decimal", pattern = r"^-?\d{1,5}(\.\d{1,3})?$", example = "0.001")]
    pub weight: Option<Decimal>,
    /// Its stock.
    #[garde(range(min = 0))]
    #[schema(minimum = 0, default = 0, example = 0)]
    #[serde(default = "default_stock")]
    pub stock: i64,
    /// Its released.
    #[garde(inner(custom(rules::date)))]
    pub released: Option<NaiveDate>,
    /// Its homepage.
    #[garde(length(chars, min = 8, max = 2048), inner(custom(rules::url)))]
    #[schema(min_length = 8, max_length = 2048, format = "uri", example = "https://example.org/0")]
    pub homepage: Option<String>,
    /// Its details.
    #[garde(custom(rules::json))]
    #[schema(default = json!({}), example = json!({"n":0}))]
    #[serde(default = "default_details")]
    pub details: Value,
    /// Its supplier code. Kept, and never shown.
    #[garde(length(chars, max = 40), inner(custom(rules::text)))]
    #[schema(write_only, max_length = 40, example = "0xxxxxxx")]
    pub supplier_code: Option<String>,
}

fn default_stock() -> i64 {
    0
}

fn default_details() -> Value {
    serde_json::json!({})
}

/// Products to be made together.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewProductBatch {
    /// From 1 to 100.
    #[garde(length(min = 1, max = 100), dive)]
    #[schema(min_items = 1, max_items = 100)]
    pub items: Vec<NewProduct>,
}

/// Products that were made together, in the order of the request.
#[derive(Serialize, ToSchema)]
pub struct ProductBatch {
    /// The products.
    pub items: Vec<Product>,
}

/// A product, and what was read along with it.
#[derive(Serialize, ToSchema)]
pub struct ListedProduct {
    /// The product.
    #[serde(flatten)]
    pub product: Product,
    /// Its category, where `include` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub category: Option<crate::categories::dto::Category>,
}

/// A page of products.
#[derive(Serialize, ToSchema)]
pub struct ProductPage {
    /// As many as were asked for, or fewer at the end.
    pub items: Vec<ListedProduct>,
    /// What `cursor` takes to go on from here; `null` at the end.
    #[schema(required, example = "eyJzb3J0IjoiLWNyZWF0ZWRfYXQi")]
    pub next_cursor: Option<String>,
}

/// Some of what clients decide about a product: what is left out stays, `null` empties.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ProductPatch {
    /// The id of its category.
    #[garde(skip)]
    #[schema(value_type = Uuid, )]
    #[serde(default)]
    pub category_id: Patch<Uuid>,
    /// Its sku.
    #[garde(inner(length(chars, min = 4, max = 20), custom(rules::text)))]
    #[schema(value_type = String, min_length = 4, max_length = 20, example = "0xxxxxxx")]
    #[serde(default)]
    pub sku: Patch<String>,
    /// Its name.
    #[garde(inner(length(chars, min = 1, max = 200), custom(rules::text)))]
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "0xxxxxxx")]
    #[serde(default)]
    pub name: Patch<String>,
    /// Its price.
    #[garde(inner(custom(rules::decimal(12, 2))))]
    #[schema(value_type = String, format = "decimal", pattern = r"^-?\d{1,10}(\.\d{1,2})?$", example = "0.01")]
    #[serde(default)]
    pub price: Patch<Decimal>,
    /// Its weight.
    #[garde(inner(inner(custom(rules::decimal(8, 3)))))]
    #[schema(value_type = Option<String>, format = "decimal", pattern = r"^-?\d{1,5}(\.\d{1,3})?$", example = "0.001")]
    #[serde(default)]
    pub weight: Patch<Option<Decimal>>,
    /// Its stock.
    #[garde(inner(range(min = 0)))]
    #[schema(value_type = i64, minimum = 0, example = 0)]
    #[serde(default)]
    pub stock: Patch<i64>,
    /// Its released.
    #[garde(inner(inner(custom(rules::date))))]
    #[schema(value_type = Option<NaiveDate>, )]
    #[serde(default)]
    pub released: Patch<Option<NaiveDate>>,
    /// Its homepage.
    #[garde(inner(length(chars, min = 8, max = 2048), inner(custom(rules::url))))]
    #[schema(value_type = Option<String>, min_length = 8, max_length = 2048, format = "uri", example = "https://example.org/0")]
    #[serde(default)]
    pub homepage: Patch<Option<String>>,
    /// Its details.
    #[garde(inner(custom(rules::json)))]
    #[schema(value_type = Value, example = json!({"n":0}))]
    #[serde(default)]
    pub details: Patch<Value>,
    /// Its supplier code. Kept, and never shown.
    #[garde(inner(length(chars, max = 40), inner(custom(rules::text))))]
    #[schema(value_type = Option<String>, write_only, max_length = 40, example = "0xxxxxxx")]
    #[serde(default)]
    pub supplier_code: Patch<Option<String>>,
}

/// What a listing of products can be asked for.
#[derive(Deserialize, IntoParams, Validate)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ProductQuery {
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
    #[param(pattern = "^-?(created_at|updated_at|sku|name|price|stock)$", example = "-created_at")]
    pub sort: Option<String>,
    /// What to read along, separated by commas.
    #[garde(skip)]
    #[param(style = Form, explode = false, inline)]
    #[serde(default, deserialize_with = "paging::comma_separated")]
    pub include: Vec<ProductInclude>,
    /// Only those of this category.
    #[garde(skip)]
    pub category_id: Option<Uuid>,
    /// Only those of this sku.
    #[garde(length(chars, min = 4, max = 20), inner(custom(rules::text)))]
    #[param(min_length = 4, max_length = 20)]
    pub sku: Option<String>,
    /// Only those of this name.
    #[garde(length(chars, min = 1, max = 200), inner(custom(rules::text)))]
    #[param(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Only those of this price.
    #[garde(inner(custom(rules::decimal(12, 2))))]
    #[param(value_type = Option<String>, format = "decimal", pattern = r"^-?\d{1,10}(\.\d{1,2})?$")]
    pub price: Option<Decimal>,
    /// Only those of this weight.
    #[garde(inner(custom(rules::decimal(8, 3))))]
    #[param(value_type = Option<String>, format = "decimal", pattern = r"^-?\d{1,5}(\.\d{1,3})?$")]
    pub weight: Option<Decimal>,
    /// Only those of this stock.
    #[garde(range(min = 0))]
    #[param(minimum = 0)]
    pub stock: Option<i64>,
    /// Only those of this released.
    #[garde(inner(custom(rules::date)))]
    pub released: Option<NaiveDate>,
    /// Only those of this homepage.
    #[garde(length(chars, min = 8, max = 2048), inner(custom(rules::url)))]
    #[param(min_length = 8, max_length = 2048, format = "uri")]
    pub homepage: Option<String>,
    /// Only those made then or later.
    #[garde(inner(custom(rules::datetime)))]
    pub created_at_from: Option<DateTime<Utc>>,
    /// Only those made before.
    #[garde(inner(custom(rules::datetime)))]
    pub created_at_to: Option<DateTime<Utc>>,
}

/// What can be read along with a product.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, ToSchema)]
pub enum ProductInclude {
    #[serde(rename = "category")]
    Category,
}

impl ProductQuery {
    /// Its parts: which products, which page of them, and what along with them.
    pub fn into_parts(self) -> (domain::ProductFilter, paging::Ask, domain::ProductInclude) {
        let filter = domain::ProductFilter {
            category_id: self.category_id,
            sku: self.sku,
            name: self.name,
            price: self.price,
            weight: self.weight,
            stock: self.stock,
            released: self.released,
            homepage: self.homepage,
            created_at_from: self.created_at_from,
            created_at_to: self.created_at_to,
        };
        let ask = paging::Ask { limit: self.limit, cursor: self.cursor, sort: self.sort };
        let include =
            domain::ProductInclude { category: self.include.contains(&ProductInclude::Category) };
        (filter, ask, include)
    }
}
impl ProductPage {
    /// With what was read along.
    pub fn with(page: paging::Page<domain::Product>, included: &domain::ProductIncluded) -> Self {
        let items = page.items.into_iter().map(|product| ListedProduct::with(product, included));
        Self { items: items.collect(), next_cursor: page.next_cursor }
    }
}

impl ListedProduct {
    fn with(product: domain::Product, included: &domain::ProductIncluded) -> Self {
        Self {
            category: included.category.get(&product.category_id).cloned().map(Into::into),
            product: product.into(),
        }
    }
}

impl From<domain::Product> for Product {
    fn from(product: domain::Product) -> Self {
        Self {
            id: product.id,
            category_id: product.category_id,
            sku: product.sku,
            name: product.name,
            price: at_scale(product.price, 2),
            weight: product.weight.map(|number| at_scale(number, 3)),
            stock: product.stock,
            released: product.released,
            homepage: product.homepage,
            details: product.details,
            created_at: product.created_at,
            updated_at: product.updated_at,
            version: product.version,
        }
    }
}

impl From<NewProduct> for domain::NewProduct {
    fn from(new: NewProduct) -> Self {
        Self {
            category_id: new.category_id,
            sku: new.sku,
            name: new.name,
            price: new.price,
            weight: new.weight,
            stock: new.stock,
            released: new.released,
            homepage: new.homepage,
            details: new.details,
            supplier_code: new.supplier_code,
        }
    }
}

impl From<ProductPatch> for domain::ProductChanges {
    fn from(patch: ProductPatch) -> Self {
        Self {
            category_id: patch.category_id,
            sku: patch.sku,
            name: patch.name,
            price: patch.price,
            weight: patch.weight,
            stock: patch.stock,
            released: patch.released,
            homepage: patch.homepage,
            details: patch.details,
            supplier_code: patch.supplier_code,
        }
    }
}
