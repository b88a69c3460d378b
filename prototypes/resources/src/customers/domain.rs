//! What a customer is, whoever asks for it and wherever it is kept.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use crate::{error::AppError, merge_patch::Patch};

/// A customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    pub id: Uuid,
    pub name: String,
    pub email: String,
    pub born: Option<NaiveDate>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Counts its changes, from 1.
    pub version: i64,
}

/// All that clients decide about a customer.
#[derive(Clone, Debug)]
pub struct NewCustomer {
    pub name: String,
    pub email: String,
    pub born: Option<NaiveDate>,
}

/// Some of what clients decide about a customer.
#[derive(Clone, Debug, Default)]
pub struct CustomerChanges {
    pub name: Patch<String>,
    pub email: Patch<String>,
    pub born: Patch<Option<NaiveDate>>,
}

/// What a listing is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct CustomerFilter {
    pub name: Option<String>,
    pub email: Option<String>,
    pub born: Option<NaiveDate>,
    /// Those made then or later.
    pub created_at_from: Option<DateTime<Utc>>,
    /// Those made before.
    pub created_at_to: Option<DateTime<Utc>>,
}

impl Customer {
    /// Everything that clients decide is as in `new` now.
    #[allow(clippy::unnecessary_wraps, reason = "rules of your own will refuse")]
    pub fn replace(&mut self, new: NewCustomer) -> Result<(), AppError> {
        self.name = new.name;
        self.email = new.email;
        self.born = new.born;
        Ok(())
    }

    /// What `changes` say holds now; the rest stays.
    #[allow(clippy::unnecessary_wraps, reason = "rules of your own will refuse")]
    pub fn change(&mut self, changes: CustomerChanges) -> Result<(), AppError> {
        changes.name.apply(&mut self.name);
        changes.email.apply(&mut self.email);
        changes.born.apply(&mut self.born);
        Ok(())
    }
}
