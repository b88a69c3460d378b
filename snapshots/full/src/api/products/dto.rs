//! Products as clients write and see them.

use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::domain;
use crate::{
    db::{decimals::at_scale, listing},
    http::{
        batch,
        exact::exact,
        merge_patch::{self, Patch},
        paging, rules,
    },
};

/// A product.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[schema(as = Product)]
pub struct ProductResponse {
    /// ID of the product.
    pub id: Uuid,
    /// ID of the category.
    pub category_id: Uuid,
    /// The product's SKU.
    #[schema(example = "AB-1042")]
    pub sku: String,
    /// The product's name.
    #[schema(example = "Desk lamp")]
    pub name: String,
    /// The product's price.
    #[schema(value_type = String, format = "decimal", example = "19.90")]
    pub price: Decimal,
    /// The product's weight.
    #[schema(required, value_type = Option<String>, format = "decimal", example = "1.250")]
    pub weight: Option<Decimal>,
    /// The product's stock.
    #[schema(example = 25)]
    pub stock: i64,
    /// When the product was released.
    #[schema(required)]
    pub released: Option<NaiveDate>,
    /// The product's homepage.
    #[schema(required, format = "uri", example = "https://example.org")]
    pub homepage: Option<String>,
    /// The product's details.
    #[schema(example = json!({"priority":"high"}))]
    pub details: Value,
    /// When the product was created (UTC).
    pub created_at: DateTime<Utc>,
    /// When the product was last updated (UTC).
    pub updated_at: DateTime<Utc>,
    /// Number of the version, counted from 1. Also sent as the `ETag`.
    pub version: i64,
    /// The category; only present if `include` names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, no_recursion)]
    pub category: Option<Box<crate::api::categories::dto::CategoryResponse>>,
}

/// A product to create. Omitted fields take their defaults.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct NewProduct {
    /// ID of the category.
    pub category_id: Uuid,
    /// The product's SKU.
    #[garde(length(chars, min = 4, max = 20), custom(rules::text))]
    #[schema(min_length = 4, max_length = 20, example = "AB-1042")]
    pub sku: String,
    /// The product's name.
    #[garde(length(chars, min = 1, max = 200), custom(rules::text))]
    #[schema(min_length = 1, max_length = 200, example = "Desk lamp")]
    pub name: String,
    /// The product's price.
    #[garde(custom(rules::decimal(12, 2)))]
    #[schema(value_type = String, format = "decimal", pattern = r"^-?\d{1,10}(\.\d{1,2})?$", example = "19.90")]
    #[serde(deserialize_with = "exact")]
    pub price: Decimal,
    /// The product's weight.
    #[garde(inner(custom(rules::decimal(8, 3))))]
    #[schema(value_type = Option<String>, format = "decimal", pattern = r"^-?\d{1,5}(\.\d{1,3})?$", example = "1.250")]
    #[serde(default, deserialize_with = "exact")]
    pub weight: Option<Decimal>,
    /// The product's stock.
    #[garde(range(min = 0))]
    #[schema(minimum = 0, default = 0, example = 25)]
    #[serde(default)]
    pub stock: i64,
    /// When the product was released.
    #[garde(inner(custom(rules::date)))]
    pub released: Option<NaiveDate>,
    /// The product's homepage.
    #[garde(length(chars, min = 8, max = 2048), inner(custom(rules::url)))]
    #[schema(min_length = 8, max_length = 2048, format = "uri", example = "https://example.org")]
    pub homepage: Option<String>,
    /// The product's details.
    #[garde(custom(rules::json))]
    #[schema(default = json!({}), example = json!({"priority":"high"}))]
    #[serde(default = "default_details")]
    pub details: Value,
    /// The product's supplier code. Never returned.
    #[garde(length(chars, max = 40), inner(custom(rules::text)))]
    #[schema(write_only, max_length = 40, example = "AB-1042")]
    pub supplier_code: Option<String>,
}

fn default_details() -> Value {
    serde_json::json!({})
}

/// New values of a product.
#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct ProductReplacement {
    pub category_id: Uuid,
    #[garde(length(chars, min = 4, max = 20), custom(rules::text))]
    pub sku: String,
    #[garde(length(chars, min = 1, max = 200), custom(rules::text))]
    pub name: String,
    #[garde(custom(rules::decimal(12, 2)))]
    #[serde(deserialize_with = "exact")]
    pub price: Decimal,
    #[garde(inner(custom(rules::decimal(8, 3))))]
    #[serde(default, deserialize_with = "exact")]
    pub weight: Option<Decimal>,
    #[garde(range(min = 0))]
    #[serde(default)]
    pub stock: i64,
    #[garde(inner(custom(rules::date)))]
    pub released: Option<NaiveDate>,
    #[garde(length(chars, min = 8, max = 2048), inner(custom(rules::url)))]
    pub homepage: Option<String>,
    #[garde(custom(rules::json))]
    #[serde(default = "default_details")]
    pub details: Value,
    #[garde(inner(length(chars, max = 40), inner(custom(rules::text))))]
    #[serde(default)]
    pub supplier_code: Patch<Option<String>>,
}

merge_patch::replacement_schema!(ProductReplacement, of NewProduct, keeping ["supplier_code"]);

/// Changes to a product.
#[derive(Clone, Default, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct ProductPatch {
    pub category_id: Patch<Uuid>,
    #[garde(inner(length(chars, min = 4, max = 20), custom(rules::text)))]
    pub sku: Patch<String>,
    #[garde(inner(length(chars, min = 1, max = 200), custom(rules::text)))]
    pub name: Patch<String>,
    #[garde(inner(custom(rules::decimal(12, 2))))]
    #[serde(deserialize_with = "exact")]
    pub price: Patch<Decimal>,
    #[garde(inner(inner(custom(rules::decimal(8, 3)))))]
    #[serde(deserialize_with = "exact")]
    pub weight: Patch<Option<Decimal>>,
    #[garde(inner(range(min = 0)))]
    pub stock: Patch<i64>,
    #[garde(inner(inner(custom(rules::date))))]
    pub released: Patch<Option<NaiveDate>>,
    #[garde(inner(length(chars, min = 8, max = 2048), inner(custom(rules::url))))]
    pub homepage: Patch<Option<String>>,
    #[garde(inner(custom(rules::json)))]
    pub details: Patch<Value>,
    #[garde(inner(length(chars, max = 40), inner(custom(rules::text))))]
    pub supplier_code: Patch<Option<String>>,
}

merge_patch::schema!(ProductPatch, of NewProduct);

/// Filters of the listing of products.
#[derive(Deserialize, IntoParams, Validate)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct ProductFilter {
    /// Return only products with this category.
    pub category_id: Option<Uuid>,
    /// Return only products whose SKU equals this value.
    #[garde(inner(custom(rules::text)))]
    pub sku: Option<String>,
    /// Return only products whose name equals this value.
    #[garde(inner(custom(rules::text)))]
    pub name: Option<String>,
    /// Return only products whose price equals this value.
    #[garde(inner(custom(rules::decimal(12, 2))))]
    #[param(value_type = Option<String>, format = "decimal")]
    #[serde(default, deserialize_with = "exact")]
    pub price: Option<Decimal>,
    /// Return only products whose weight equals this value.
    #[garde(inner(custom(rules::decimal(8, 3))))]
    #[param(value_type = Option<String>, format = "decimal")]
    #[serde(default, deserialize_with = "exact")]
    pub weight: Option<Decimal>,
    /// Return only products whose stock equals this value.
    pub stock: Option<i64>,
    /// Return only products released on this date.
    #[garde(inner(custom(rules::date)))]
    pub released: Option<NaiveDate>,
    /// Return only products whose homepage equals this value.
    #[garde(inner(custom(rules::text)))]
    pub homepage: Option<String>,
}

/// A relation to include in each of the products.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, ToSchema)]
pub enum ProductInclude {
    #[serde(rename = "category")]
    Category,
}

pub type ProductListing = paging::Listing<ProductFilter, ProductInclude>;
pub type ProductPage = listing::Page<ProductResponse>;
pub type ProductBatch = batch::Batch<ProductResponse>;
pub type NewProductBatch = batch::NewBatch<NewProduct>;
pub type ProductPatchBatch = batch::PatchBatch<ProductPatch>;

impl From<domain::ProductRow> for ProductResponse {
    fn from(row: domain::ProductRow) -> Self {
        Self {
            id: row.id,
            category_id: row.category_id,
            sku: row.sku,
            name: row.name,
            price: at_scale(row.price, 2),
            weight: row.weight.map(|number| at_scale(number, 3)),
            stock: row.stock,
            released: row.released,
            homepage: row.homepage,
            details: row.details,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
            category: None,
        }
    }
}
