//! The database.

use axum::BoxError;
use secrecy::ExposeSecret;
use sqlx::{
    PgConnection, PgPool, Postgres, Transaction,
    postgres::{PgPoolOptions, PgRow},
};

use crate::{config::Config, error::AppError};

/// Connections that requests share.
pub type Pool = PgPool;

/// One connection, inside of a transaction where there is one.
pub type Connection = PgConnection;

/// The kind of database, for queries that are put together.
pub type Backend = Postgres;

/// A row of an answer.
pub type Row = PgRow;

/// Begins a transaction; it is undone unless it is committed.
pub(crate) async fn begin(db: &Pool) -> sqlx::Result<Transaction<'static, Backend>> {
    db.begin().await
}

/// A pool that connects when it is first asked for a connection.
///
/// # Errors
/// The URL is none of a database.
pub fn connect(config: &Config) -> Result<Pool, BoxError> {
    let options = PgPoolOptions::new().max_connections(config.database_pool_size);
    Ok(options.connect_lazy(config.database_url.expose_secret())?)
}

impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                Self::Unavailable(error.into())
            }
            error => Self::internal(error),
        }
    }
}

/// A type of ours that its column keeps as a text.
macro_rules! stored_as_text {
    ($type:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        impl $type {
            fn as_text(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl sqlx::Type<sqlx::Postgres> for $type {
            fn type_info() -> sqlx::postgres::PgTypeInfo {
                <str as sqlx::Type<sqlx::Postgres>>::type_info()
            }
        }

        impl sqlx::Encode<'_, sqlx::Postgres> for $type {
            fn encode_by_ref(
                &self,
                buffer: &mut sqlx::postgres::PgArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <&str as sqlx::Encode<sqlx::Postgres>>::encode(self.as_text(), buffer)
            }
        }

        impl sqlx::Decode<'_, sqlx::Postgres> for $type {
            fn decode(
                value: sqlx::postgres::PgValueRef<'_>,
            ) -> Result<Self, sqlx::error::BoxDynError> {
                match <&str as sqlx::Decode<sqlx::Postgres>>::decode(value)? {
                    $($text => Ok(Self::$variant),)+
                    other => Err(format!("the column holds `{other}`").into()),
                }
            }
        }

        impl sqlx::postgres::PgHasArrayType for $type {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                <&str as sqlx::postgres::PgHasArrayType>::array_type_info()
            }
        }
    };
}

pub(crate) use stored_as_text;
