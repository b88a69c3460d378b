//! Users as other users see them, where a resource refers to one: without address and role.

use serde::{Deserialize, Serialize};
use sqlx::QueryBuilder;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    db::{
        Driver, Pool,
        rows::{Related, Size},
    },
    error::Error,
};

/// A user, as other users see it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema, sqlx::FromRow)]
pub struct UserRef {
    /// ID of the user.
    id: Uuid,
    /// Name of the user.
    #[schema(example = "ada")]
    username: String,
}

impl Size for UserRef {
    fn size(&self) -> usize {
        size_of::<Self>() + self.username.size()
    }
}

/// Users by their IDs. Unknown IDs are left out.
pub(crate) async fn find_all(pool: &Pool, ids: Vec<Uuid>) -> Result<Related<UserRef>, Error> {
    // An empty list is no valid SQL in PostgreSQL.
    if ids.is_empty() {
        return Ok(Related::default());
    }
    let mut query = QueryBuilder::<Driver>::new("SELECT id, username FROM users WHERE id IN (");
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(id);
    }
    query.push(")");
    Ok(Related::read(query.build_query_as().fetch(pool), |user: &UserRef| user.id).await?)
}
