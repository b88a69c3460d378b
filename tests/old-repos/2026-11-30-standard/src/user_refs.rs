//! Accounts as others see them, where something refers to one: no address, no role.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sqlx::QueryBuilder;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    db::{Driver, Pool},
    error::AppError,
};

/// Somebody with an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct UserRef {
    /// Never changes.
    id: Uuid,
    /// What they are called.
    #[schema(example = "ada")]
    username: String,
}

/// Accounts by their ids. One that is gone is left out.
pub(crate) async fn find_all(
    pool: &Pool,
    ids: HashSet<Uuid>,
) -> Result<HashMap<Uuid, UserRef>, AppError> {
    // A list of nothing is no SQL to PostgreSQL.
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut query = QueryBuilder::<Driver>::new("SELECT id, username FROM users WHERE id IN (");
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(id);
    }
    query.push(")");
    let users: Vec<UserRef> = query.build_query_as().fetch_all(pool).await?;
    Ok(users.into_iter().map(|user| (user.id, user)).collect())
}
