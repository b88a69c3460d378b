//! What the API says of users.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Role, User};

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

impl From<User> for UserResponse {
    fn from(User { id, username, email, role, created_at }: User) -> Self {
        Self { id, username, email, role, created_at }
    }
}
