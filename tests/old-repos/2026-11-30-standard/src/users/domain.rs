//! What a user is.

use axum::BoxError;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::AppError;

/// Somebody with an account. The password's hash is no part of it.
#[derive(Clone, Debug)]
pub struct User {
    /// Never changes.
    pub id: Uuid,
    /// What others see.
    pub username: String,
    /// Where they sign in, in lowercase.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// When the account was opened.
    pub created_at: DateTime<Utc>,
}

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AccountRole)]
pub enum Role {
    /// What is its own.
    User,
    /// Everything.
    Admin,
}

impl Role {
    /// As the database has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    /// From the database.
    ///
    /// # Errors
    /// 500 for what no version of this service writes.
    pub fn from_column(text: &str) -> Result<Self, AppError> {
        match text {
            "user" => Ok(Self::User),
            "admin" => Ok(Self::Admin),
            other => Err(AppError::Internal(BoxError::from(format!("unknown role `{other}`")))),
        }
    }
}
