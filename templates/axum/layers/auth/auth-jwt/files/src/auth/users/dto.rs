//! Users as clients see them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Role, User};

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserResponse {
    /// ID of the user.
    id: Uuid,
    /// Name of the user, which other users see.
    #[schema(example = "ada")]
    username: String,
    /// Email address for signing in.
    #[schema(format = "email", example = "ada@example.com")]
    email: String,
    /// Role of the user.
    role: Role,
    /// When the account was created (UTC).
    created_at: DateTime<Utc>,
}

impl From<User> for UserResponse {
    fn from(User { id, username, email, role, created_at }: User) -> Self {
        Self { id, username, email, role, created_at }
    }
}
