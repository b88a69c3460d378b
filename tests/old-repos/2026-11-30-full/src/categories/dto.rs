//! Categories as clients see them.

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::domain;
use crate::{merge_patch::Patch, paging, rules};

/// A category.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct Category {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    #[schema(example = "0xxxxxxx")]
    pub name: String,
    /// The id of its parent.
    #[schema(required)]
    pub parent_id: Option<Uuid>,
    /// Its rank.
    #[schema(example = 0)]
    pub rank: i32,
    /// Its visible.
    pub visible: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Counts its changes, from 1; its `ETag`.
    #[schema(example = 1)]
    pub version: i64,
}

/// All that clients decide about a category.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewCategory {
    /// Its name.
    #[garde(length(chars, min = 1, max = 80), custom(rules::text))]
    #[schema(min_length = 1, max_length = 80, example = "0xxxxxxx")]
    pub name: String,
    /// The id of its parent.
    #[garde(skip)]
    pub parent_id: Option<Uuid>,
    /// Its rank.
    #[garde(range(min = 0, max = 1000))]
    #[schema(minimum = 0, maximum = 1000, default = 0, example = 0)]
    #[serde(default = "default_rank")]
    pub rank: i32,
    /// Its visible.
    #[garde(skip)]
    #[schema(default = true)]
    #[serde(default = "default_visible")]
    pub visible: bool,
}

fn default_rank() -> i32 {
    0
}

fn default_visible() -> bool {
    true
}

/// Categories to be made together.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewCategoryBatch {
    /// From 1 to 100.
    #[garde(length(min = 1, max = 100), dive)]
    #[schema(min_items = 1, max_items = 100)]
    pub items: Vec<NewCategory>,
}

/// Categories that were made together, in the order of the request.
#[derive(Serialize, ToSchema)]
pub struct CategoryBatch {
    /// The categories.
    pub items: Vec<Category>,
}

/// A category, and what was read along with it.
#[derive(Serialize, ToSchema)]
pub struct ListedCategory {
    /// The category.
    #[serde(flatten)]
    pub category: Category,
    /// Its parent, where `include` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub parent: Option<crate::categories::dto::Category>,
}

/// A page of categories.
#[derive(Serialize, ToSchema)]
pub struct CategoryPage {
    /// As many as were asked for, or fewer at the end.
    pub items: Vec<ListedCategory>,
    /// What `cursor` takes to go on from here; `null` at the end.
    #[schema(required, example = "eyJzb3J0IjoiLWNyZWF0ZWRfYXQi")]
    pub next_cursor: Option<String>,
}

/// Some of what clients decide about a category: what is left out stays, `null` empties.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CategoryPatch {
    /// Its name.
    #[garde(inner(length(chars, min = 1, max = 80), custom(rules::text)))]
    #[schema(value_type = String, min_length = 1, max_length = 80, example = "0xxxxxxx")]
    #[serde(default)]
    pub name: Patch<String>,
    /// The id of its parent.
    #[garde(skip)]
    #[schema(value_type = Option<Uuid>, )]
    #[serde(default)]
    pub parent_id: Patch<Option<Uuid>>,
    /// Its rank.
    #[garde(inner(range(min = 0, max = 1000)))]
    #[schema(value_type = i32, minimum = 0, maximum = 1000, example = 0)]
    #[serde(default)]
    pub rank: Patch<i32>,
    /// Its visible.
    #[garde(skip)]
    #[schema(value_type = bool, )]
    #[serde(default)]
    pub visible: Patch<bool>,
}

/// What a listing of categories can be asked for.
#[derive(Deserialize, IntoParams, Validate)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CategoryQuery {
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
    #[param(pattern = "^-?(created_at|updated_at|name|rank)$", example = "-created_at")]
    pub sort: Option<String>,
    /// What to read along, separated by commas.
    #[garde(skip)]
    #[param(style = Form, explode = false, inline)]
    #[serde(default, deserialize_with = "paging::comma_separated")]
    pub include: Vec<CategoryInclude>,
    /// Only those of this name.
    #[garde(length(chars, min = 1, max = 80), inner(custom(rules::text)))]
    #[param(min_length = 1, max_length = 80)]
    pub name: Option<String>,
    /// Only those of this parent.
    #[garde(skip)]
    pub parent_id: Option<Uuid>,
    /// Only those of this rank.
    #[garde(range(min = 0, max = 1000))]
    #[param(minimum = 0, maximum = 1000)]
    pub rank: Option<i32>,
    /// Only those that are visible, or are not.
    #[garde(skip)]
    pub visible: Option<bool>,
    /// Only those made then or later.
    #[garde(inner(custom(rules::datetime)))]
    pub created_at_from: Option<DateTime<Utc>>,
    /// Only those made before.
    #[garde(inner(custom(rules::datetime)))]
    pub created_at_to: Option<DateTime<Utc>>,
}

/// What can be read along with a category.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, ToSchema)]
pub enum CategoryInclude {
    #[serde(rename = "parent")]
    Parent,
}

impl CategoryQuery {
    /// Its parts: which categories, which page of them, and what along with them.
    pub fn into_parts(self) -> (domain::CategoryFilter, paging::Ask, domain::CategoryInclude) {
        let filter = domain::CategoryFilter {
            name: self.name,
            parent_id: self.parent_id,
            rank: self.rank,
            visible: self.visible,
            created_at_from: self.created_at_from,
            created_at_to: self.created_at_to,
        };
        let ask = paging::Ask { limit: self.limit, cursor: self.cursor, sort: self.sort };
        let include =
            domain::CategoryInclude { parent: self.include.contains(&CategoryInclude::Parent) };
        (filter, ask, include)
    }
}
impl CategoryPage {
    /// With what was read along.
    pub fn with(page: paging::Page<domain::Category>, included: &domain::CategoryIncluded) -> Self {
        let items = page.items.into_iter().map(|category| ListedCategory::with(category, included));
        Self { items: items.collect(), next_cursor: page.next_cursor }
    }
}

impl ListedCategory {
    fn with(category: domain::Category, included: &domain::CategoryIncluded) -> Self {
        Self {
            parent: category
                .parent_id
                .and_then(|id| included.parent.get(&id))
                .cloned()
                .map(Into::into),
            category: category.into(),
        }
    }
}

impl From<domain::Category> for Category {
    fn from(category: domain::Category) -> Self {
        Self {
            id: category.id,
            name: category.name,
            parent_id: category.parent_id,
            rank: category.rank,
            visible: category.visible,
            created_at: category.created_at,
            updated_at: category.updated_at,
            version: category.version,
        }
    }
}

impl From<NewCategory> for domain::NewCategory {
    fn from(new: NewCategory) -> Self {
        Self { name: new.name, parent_id: new.parent_id, rank: new.rank, visible: new.visible }
    }
}

impl From<CategoryPatch> for domain::CategoryChanges {
    fn from(patch: CategoryPatch) -> Self {
        Self {
            name: patch.name,
            parent_id: patch.parent_id,
            rank: patch.rank,
            visible: patch.visible,
        }
    }
}
