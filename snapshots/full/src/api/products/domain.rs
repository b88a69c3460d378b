//! A product and its rules.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

use super::dto;
use crate::{db::rows::Size, error::Error, http::rules};

/// A product as the database stores it. Not `Debug`: private fields stay out of logs.
#[derive(Clone, PartialEq, sqlx::FromRow)]
pub struct ProductRow {
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
    pub supplier_code: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

impl Size for ProductRow {
    fn size(&self) -> usize {
        size_of::<Self>()
            + self.sku.size()
            + self.name.size()
            + self.homepage.size()
            + self.details.size()
            + self.supplier_code.size()
    }
}

#[allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "for your own rules")]
impl ProductRow {
    /// Replace all fields. A rule on changes goes here and into [`Self::change`], a rule on new
    /// rows into `Service::create` and `create_all`.
    pub fn replace(&mut self, new: dto::ProductReplacement) -> Result<(), Error> {
        self.category_id = new.category_id;
        self.sku = new.sku;
        self.name = new.name;
        self.price = new.price;
        self.weight = new.weight;
        self.stock = new.stock;
        self.released = new.released;
        self.homepage = new.homepage;
        self.details = new.details;
        rules::as_stored(&mut self.details);
        new.supplier_code.apply(&mut self.supplier_code);
        Ok(())
    }

    /// Apply a merge patch.
    pub fn change(&mut self, patch: dto::ProductPatch) -> Result<(), Error> {
        patch.category_id.apply(&mut self.category_id);
        patch.sku.apply(&mut self.sku);
        patch.name.apply(&mut self.name);
        patch.price.apply(&mut self.price);
        patch.weight.apply(&mut self.weight);
        patch.stock.apply(&mut self.stock);
        patch.released.apply(&mut self.released);
        patch.homepage.apply(&mut self.homepage);
        patch.details.merge(&mut self.details, "/details")?;
        rules::as_stored(&mut self.details);
        patch.supplier_code.apply(&mut self.supplier_code);
        Ok(())
    }
}
