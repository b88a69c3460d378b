//! Users.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{choice, rows::Size};

/// An account, without the hash of its password.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct User {
    /// ID of the account.
    pub id: Uuid,
    /// Name of the account, which other accounts see.
    pub username: String,
    /// Email address, in lowercase.
    pub email: String,
    /// Role of the account.
    pub role: Role,
    /// Since when the account is disabled.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When the account was created (UTC).
    pub created_at: DateTime<Utc>,
}

impl Size for User {
    fn size(&self) -> usize {
        size_of::<Self>() + self.username.size() + self.email.size()
    }
}

choice! {
    /// Role of an account.
    #[schema(as = AccountRole)]
    pub enum Role {
        /// May read and write its own resources.
        User = "user",
        /// May do everything.
        Admin = "admin",
    }
}
