//! Requests and responses of users.

use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    auth::users::{User, UserResponse, repo},
    db::listing::{self, Listed, Sorting},
    http::paging,
};

/// Filters of the listing of users.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
pub struct UserFilter {}

impl Listed for UserFilter {
    type Row = User;

    const SORTING: &'static Sorting<User> = repo::SORTING;
}

// Named, so that the API description has a schema of each.
pub type UserListing = paging::Listing<UserFilter>;
pub type UserPage = listing::Page<UserResponse>;
