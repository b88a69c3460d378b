//! What a category is, whoever asks for it and wherever it is kept.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{error::AppError, merge_patch::Patch};

/// A category.
#[derive(Clone, Debug, PartialEq)]
pub struct Category {
    pub id: Uuid,
    pub name: String,
    pub parent_id: Option<Uuid>,
    pub rank: i32,
    pub visible: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Counts its changes, from 1.
    pub version: i64,
}

/// All that clients decide about a category.
#[derive(Clone, Debug)]
pub struct NewCategory {
    pub name: String,
    pub parent_id: Option<Uuid>,
    pub rank: i32,
    pub visible: bool,
}

/// Some of what clients decide about a category.
#[derive(Clone, Debug, Default)]
pub struct CategoryChanges {
    pub name: Patch<String>,
    pub parent_id: Patch<Option<Uuid>>,
    pub rank: Patch<i32>,
    pub visible: Patch<bool>,
}

impl Category {
    /// Everything that clients decide is as in `new` now.
    #[allow(clippy::unnecessary_wraps, reason = "rules of your own will refuse")]
    pub fn replace(&mut self, new: NewCategory) -> Result<(), AppError> {
        self.name = new.name;
        self.parent_id = new.parent_id;
        self.rank = new.rank;
        self.visible = new.visible;
        Ok(())
    }

    /// What `changes` say holds now; the rest stays.
    #[allow(clippy::unnecessary_wraps, reason = "rules of your own will refuse")]
    pub fn change(&mut self, changes: CategoryChanges) -> Result<(), AppError> {
        changes.name.apply(&mut self.name);
        changes.parent_id.apply(&mut self.parent_id);
        changes.rank.apply(&mut self.rank);
        changes.visible.apply(&mut self.visible);
        Ok(())
    }
}

/// What a listing is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct CategoryFilter {
    pub name: Option<String>,
    pub parent_id: Option<Uuid>,
    pub rank: Option<i32>,
    pub visible: Option<bool>,
    /// Those made then or later.
    pub created_at_from: Option<DateTime<Utc>>,
    /// Those made before.
    pub created_at_to: Option<DateTime<Utc>>,
}

/// What else to read for categories.
#[derive(Clone, Copy, Debug, Default)]
pub struct CategoryInclude {
    /// The parent of each.
    pub parent: bool,
}

/// What was read for categories, each by its id.
#[derive(Clone, Default)]
pub struct CategoryIncluded {
    pub parent: HashMap<Uuid, crate::categories::domain::Category>,
}
