//! Users as clients see them.

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Deserializer, Serialize};
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
    /// Whether the account is disabled. A disabled account cannot sign in.
    disabled: bool,
    /// When the account was created (UTC).
    created_at: DateTime<Utc>,
}

impl From<User> for UserResponse {
    fn from(User { id, username, email, role, disabled_at, created_at }: User) -> Self {
        Self { id, username, email, role, disabled: disabled_at.is_some(), created_at }
    }
}

/// Changes of an account by an administrator. Omitted fields keep their values.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct UserPatch {
    /// Role of the user.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub role: Option<Role>,
    /// Whether the account is disabled. Its sessions end.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub disabled: Option<bool>,
}

/// A field that is omitted or has a value, and is never `null`.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
