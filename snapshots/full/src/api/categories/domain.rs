//! A category and its rules.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::dto;
use crate::{db::rows::Size, error::Error};

/// A category as the database stores it.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct CategoryRow {
    pub id: Uuid,
    pub name: String,
    pub parent_id: Option<Uuid>,
    pub rank: i32,
    pub visible: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

impl Size for CategoryRow {
    fn size(&self) -> usize {
        size_of::<Self>() + self.name.size()
    }
}

#[allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "for your own rules")]
impl CategoryRow {
    /// Replace all fields. A rule on changes goes here and into [`Self::change`], a rule on new
    /// rows into `Service::create` and `create_all`.
    pub fn replace(&mut self, new: dto::NewCategory) -> Result<(), Error> {
        self.name = new.name;
        self.parent_id = new.parent_id;
        self.rank = new.rank;
        self.visible = new.visible;
        Ok(())
    }

    /// Apply a merge patch.
    pub fn change(&mut self, patch: dto::CategoryPatch) -> Result<(), Error> {
        patch.name.apply(&mut self.name);
        patch.parent_id.apply(&mut self.parent_id);
        patch.rank.apply(&mut self.rank);
        patch.visible.apply(&mut self.visible);
        Ok(())
    }
}
