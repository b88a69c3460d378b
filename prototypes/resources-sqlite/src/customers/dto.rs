//! Customers as clients see them.

use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::domain;
use crate::{merge_patch::Patch, paging, rules};

/// A customer.
#[derive(Serialize, ToSchema)]
pub struct Customer {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    #[schema(example = "0xxxxxxx")]
    pub name: String,
    /// Its email.
    #[schema(format = Email, example = "ada0@example.org")]
    pub email: String,
    /// Its born.
    #[schema(required, example = "2000-01-31")]
    pub born: Option<NaiveDate>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Counts its changes, from 1; its `ETag`.
    #[schema(example = 1)]
    pub version: i64,
}

/// All that clients decide about a customer.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewCustomer {
    /// Its name.
    #[garde(length(chars, min = 1, max = 200), custom(rules::text))]
    #[schema(min_length = 1, max_length = 200, example = "0xxxxxxx")]
    pub name: String,
    /// Its email.
    #[garde(length(chars, min = 3, max = 254), custom(rules::email))]
    #[schema(format = Email, min_length = 3, max_length = 254, example = "ada0@example.org")]
    pub email: String,
    /// Its born.
    #[garde(inner(custom(rules::date)))]
    #[schema(example = "2000-01-31")]
    pub born: Option<NaiveDate>,
}

/// Customers to be made together.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewCustomers {
    /// From 1 to 100.
    #[garde(length(min = 1, max = 100), dive)]
    #[schema(min_items = 1, max_items = 100)]
    pub items: Vec<NewCustomer>,
}

/// Customers that were made together, in the order of the request.
#[derive(Serialize, ToSchema)]
pub struct CreatedCustomers {
    /// The customers.
    pub items: Vec<Customer>,
}

/// Some of what clients decide about a customer: what is left out stays, `null` empties.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CustomerPatch {
    /// Its name.
    #[garde(inner(length(chars, min = 1, max = 200), custom(rules::text)))]
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "0xxxxxxx")]
    #[serde(default)]
    pub name: Patch<String>,
    /// Its email.
    #[garde(inner(length(chars, min = 3, max = 254), custom(rules::email)))]
    #[schema(value_type = String, format = Email, min_length = 3, max_length = 254, example = "ada0@example.org")]
    #[serde(default)]
    pub email: Patch<String>,
    /// Its born.
    #[garde(inner(inner(custom(rules::date))))]
    #[schema(value_type = Option<NaiveDate>, example = "2000-01-31")]
    #[serde(default)]
    pub born: Patch<Option<NaiveDate>>,
}

/// What a listing of customers can be asked for.
#[derive(Deserialize, IntoParams, Validate)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CustomerQuery {
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
    #[param(pattern = "^-?(created_at|updated_at|name|email)$", example = "-created_at")]
    pub sort: Option<String>,
    /// Only those of this name.
    #[garde(length(chars, min = 1, max = 200), inner(custom(rules::text)))]
    #[param(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Only those of this email.
    #[garde(length(chars, min = 3, max = 254), inner(custom(rules::email)))]
    #[param(format = Email, min_length = 3, max_length = 254)]
    pub email: Option<String>,
    /// Only those of this born.
    #[garde(inner(custom(rules::date)))]
    pub born: Option<NaiveDate>,
    /// Only those made then or later.
    #[garde(inner(custom(rules::datetime)))]
    pub created_at_from: Option<DateTime<Utc>>,
    /// Only those made before.
    #[garde(inner(custom(rules::datetime)))]
    pub created_at_to: Option<DateTime<Utc>>,
}

impl CustomerQuery {
    /// Its two parts: which customers, and which page of them.
    pub fn into_parts(self) -> (domain::CustomerFilter, paging::Ask) {
        let filter = domain::CustomerFilter {
            name: self.name,
            email: self.email,
            born: self.born,
            created_at_from: self.created_at_from,
            created_at_to: self.created_at_to,
        };
        let ask = paging::Ask { limit: self.limit, cursor: self.cursor, sort: self.sort };
        (filter, ask)
    }
}

impl From<domain::Customer> for Customer {
    fn from(customer: domain::Customer) -> Self {
        Self {
            id: customer.id,
            name: customer.name,
            email: customer.email,
            born: customer.born,
            created_at: customer.created_at,
            updated_at: customer.updated_at,
            version: customer.version,
        }
    }
}

impl From<NewCustomer> for domain::NewCustomer {
    fn from(new: NewCustomer) -> Self {
        Self { name: new.name, email: new.email, born: new.born }
    }
}

impl From<CustomerPatch> for domain::CustomerChanges {
    fn from(patch: CustomerPatch) -> Self {
        Self { name: patch.name, email: patch.email, born: patch.born }
    }
}
