//! What the API says of users.

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Role, User};
use crate::paging::{self, Page};

/// Somebody with an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserResponse {
    /// Never changes.
    id: Uuid,
    /// What others see.
    #[schema(example = "ada")]
    username: String,
    /// Where they sign in.
    #[schema(format = "email", example = "ada@example.com")]
    email: String,
    /// What they may do.
    role: Role,
    /// When the account was opened.
    created_at: DateTime<Utc>,
}

/// A page of users.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserPage {
    /// As many as were asked for, or fewer at the end.
    items: Vec<UserResponse>,
    /// What `cursor` takes to go on from here; `null` at the end.
    #[schema(required, example = "eyJzb3J0IjoiLWNyZWF0ZWRfYXQi")]
    next_cursor: Option<String>,
}

/// What a listing of users can be asked for.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UserQuery {
    /// How many a page has at most; 20 where nothing is said.
    #[garde(range(min = 1, max = 100))]
    #[param(minimum = 1, maximum = 100, example = 20)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[garde(skip)]
    #[param(min_length = 1)]
    cursor: Option<String>,
    /// What to sort by, after a `-` for descending; `-created_at` where nothing is said.
    #[garde(skip)]
    #[param(pattern = "^-?(created_at|username|email)$", example = "-created_at")]
    sort: Option<String>,
}

impl From<UserQuery> for paging::Ask {
    fn from(UserQuery { limit, cursor, sort }: UserQuery) -> Self {
        Self { limit, cursor, sort }
    }
}

impl From<Page<User>> for UserPage {
    fn from(page: Page<User>) -> Self {
        let items = page.items.into_iter().map(Into::into).collect();
        Self { items, next_cursor: page.next_cursor }
    }
}

impl From<User> for UserResponse {
    fn from(User { id, username, email, role, created_at }: User) -> Self {
        Self { id, username, email, role, created_at }
    }
}
