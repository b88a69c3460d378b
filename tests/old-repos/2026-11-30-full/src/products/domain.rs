//! What a product is, whoever asks for it and wherever it is kept.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

use crate::{error::AppError, merge_patch::Patch};

/// A product. No `Debug`: what is private must not reach a log.
#[derive(Clone, PartialEq)]
pub struct Product {
    pub id: Uuid,
    pub category_id: Uuid,
    pub sku: String,
    pub name: String,
    pub price: Decimal,
    pub weight: Option<Decimal>,
    pub stock: i64,
    pub released: Option<NaiveDate>,
    pub homepage: Option<String>,
    pub details: Value,
    /// Private.
    pub supplier_code: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Counts its changes, from 1.
    pub version: i64,
}

/// All that clients decide about a product.
#[derive(Clone)]
pub struct NewProduct {
    pub category_id: Uuid,
    pub sku: String,
    pub name: String,
    pub price: Decimal,
    pub weight: Option<Decimal>,
    pub stock: i64,
    pub released: Option<NaiveDate>,
    pub homepage: Option<String>,
    pub details: Value,
    /// Private.
    pub supplier_code: Option<String>,
}

/// Some of what clients decide about a product.
#[derive(Clone, Default)]
pub struct ProductChanges {
    pub category_id: Patch<Uuid>,
    pub sku: Patch<String>,
    pub name: Patch<String>,
    pub price: Patch<Decimal>,
    pub weight: Patch<Option<Decimal>>,
    pub stock: Patch<i64>,
    pub released: Patch<Option<NaiveDate>>,
    pub homepage: Patch<Option<String>>,
    pub details: Patch<Value>,
    /// Private.
    pub supplier_code: Patch<Option<String>>,
}

impl Product {
    /// Everything that clients decide is as in `new` now.
    #[allow(clippy::unnecessary_wraps, reason = "rules of your own will refuse")]
    pub fn replace(&mut self, new: NewProduct) -> Result<(), AppError> {
        self.category_id = new.category_id;
        self.sku = new.sku;
        self.name = new.name;
        self.price = new.price;
        self.weight = new.weight;
        self.stock = new.stock;
        self.released = new.released;
        self.homepage = new.homepage;
        self.details = new.details;
        self.supplier_code = new.supplier_code;
        Ok(())
    }

    /// What `changes` say holds now; the rest stays.
    pub fn change(&mut self, changes: ProductChanges) -> Result<(), AppError> {
        changes.category_id.apply(&mut self.category_id);
        changes.sku.apply(&mut self.sku);
        changes.name.apply(&mut self.name);
        changes.price.apply(&mut self.price);
        changes.weight.apply(&mut self.weight);
        changes.stock.apply(&mut self.stock);
        changes.released.apply(&mut self.released);
        changes.homepage.apply(&mut self.homepage);
        changes.details.merge(&mut self.details, "/details")?;
        changes.supplier_code.apply(&mut self.supplier_code);
        Ok(())
    }
}

/// What a listing is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct ProductFilter {
    pub category_id: Option<Uuid>,
    pub sku: Option<String>,
    pub name: Option<String>,
    pub price: Option<Decimal>,
    pub weight: Option<Decimal>,
    pub stock: Option<i64>,
    pub released: Option<NaiveDate>,
    pub homepage: Option<String>,
    /// Those made then or later.
    pub created_at_from: Option<DateTime<Utc>>,
    /// Those made before.
    pub created_at_to: Option<DateTime<Utc>>,
}

/// What else to read for products.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProductInclude {
    /// The category of each.
    pub category: bool,
}

/// What was read for products, each by its id.
#[derive(Clone, Default)]
pub struct ProductIncluded {
    pub category: HashMap<Uuid, crate::categories::domain::Category>,
}
