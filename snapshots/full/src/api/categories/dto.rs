//! Categories as clients write and see them.

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::domain;
use crate::{
    db::listing,
    http::{
        batch,
        merge_patch::{self, Patch},
        paging, rules,
    },
};

/// A category.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[schema(as = Category)]
pub struct CategoryResponse {
    /// ID of the category.
    pub id: Uuid,
    /// The category's name.
    #[schema(example = "Desk lamp")]
    pub name: String,
    /// ID of the parent.
    #[schema(required)]
    pub parent_id: Option<Uuid>,
    /// The category's rank.
    #[schema(example = 1)]
    pub rank: i32,
    /// Whether the category is visible.
    pub visible: bool,
    /// When the category was created (UTC).
    pub created_at: DateTime<Utc>,
    /// When the category was last updated (UTC).
    pub updated_at: DateTime<Utc>,
    /// Number of the version, counted from 1. Also sent as the `ETag`.
    pub version: i64,
    /// The parent; only present if `include` names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, no_recursion)]
    pub parent: Option<Box<crate::api::categories::dto::CategoryResponse>>,
}

/// A category to create. Omitted fields take their defaults.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct NewCategory {
    /// The category's name.
    #[garde(length(chars, min = 1, max = 80), custom(rules::text))]
    #[schema(min_length = 1, max_length = 80, example = "Desk lamp")]
    pub name: String,
    /// ID of the parent.
    pub parent_id: Option<Uuid>,
    /// The category's rank.
    #[garde(range(min = 0, max = 1000))]
    #[schema(minimum = 0, maximum = 1000, default = 0, example = 1)]
    #[serde(default)]
    pub rank: i32,
    /// Whether the category is visible.
    #[schema(default = true)]
    #[serde(default = "default_visible")]
    pub visible: bool,
}

fn default_visible() -> bool {
    true
}

/// Changes to a category.
#[derive(Clone, Default, Deserialize, Validate)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct CategoryPatch {
    #[garde(inner(length(chars, min = 1, max = 80), custom(rules::text)))]
    pub name: Patch<String>,
    pub parent_id: Patch<Option<Uuid>>,
    #[garde(inner(range(min = 0, max = 1000)))]
    pub rank: Patch<i32>,
    pub visible: Patch<bool>,
}

merge_patch::schema!(CategoryPatch, of NewCategory);

/// Filters of the listing of categories.
#[derive(Deserialize, IntoParams, Validate)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct CategoryFilter {
    /// Return only categories whose name equals this value.
    #[garde(inner(custom(rules::text)))]
    pub name: Option<String>,
    /// Return only categories with this parent.
    pub parent_id: Option<Uuid>,
    /// Return only categories whose rank equals this value.
    pub rank: Option<i32>,
    /// Return only categories whose visible flag equals this value.
    pub visible: Option<bool>,
}

/// A relation to include in each of the categories.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, ToSchema)]
pub enum CategoryInclude {
    #[serde(rename = "parent")]
    Parent,
}

pub type CategoryListing = paging::Listing<CategoryFilter, CategoryInclude>;
pub type CategoryPage = listing::Page<CategoryResponse>;
pub type CategoryBatch = batch::Batch<CategoryResponse>;
pub type NewCategoryBatch = batch::NewBatch<NewCategory>;
pub type CategoryPatchBatch = batch::PatchBatch<CategoryPatch>;

impl From<domain::CategoryRow> for CategoryResponse {
    fn from(row: domain::CategoryRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            parent_id: row.parent_id,
            rank: row.rank,
            visible: row.visible,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
            parent: None,
        }
    }
}
