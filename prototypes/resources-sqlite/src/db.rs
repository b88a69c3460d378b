//! The database.

use std::{str::FromStr, time::Duration};

use axum::BoxError;
use rust_decimal::Decimal;
use secrecy::ExposeSecret;
use sqlx::{
    Sqlite, SqliteConnection, SqlitePool, Transaction,
    encode::IsNull,
    error::BoxDynError,
    sqlite::{
        SqliteArgumentsBuffer, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions,
        SqliteRow, SqliteTypeInfo, SqliteValueRef,
    },
};

use crate::{config::Config, error::AppError};

/// Connections that requests share.
pub type Pool = SqlitePool;

/// One connection, inside of a transaction where there is one.
pub type Connection = SqliteConnection;

/// The kind of database, for queries that are put together.
pub type Backend = Sqlite;

/// A row of an answer.
pub type Row = SqliteRow;

/// Begins a transaction; it is undone unless it is committed.
///
/// It waits for its turn to write right here: one that read first would be refused its write.
pub(crate) async fn begin(db: &Pool) -> sqlx::Result<Transaction<'static, Backend>> {
    db.begin_with("BEGIN IMMEDIATE").await
}

/// A pool that connects when it is first asked for a connection.
///
/// # Errors
/// The URL is none of a database.
pub fn connect(config: &Config) -> Result<Pool, BoxError> {
    let connection = SqliteConnectOptions::from_str(config.database_url.expose_secret())?
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(Duration::from_secs(5));
    let options = SqlitePoolOptions::new().max_connections(config.database_pool_size);
    Ok(options.connect_lazy_with(connection))
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

/// An exact number, kept as a whole one of the last digit's units: it sorts, and nothing is lost.
#[derive(Clone, Copy, Debug)]
pub struct Scaled<const SCALE: u32>(i64);

impl<const SCALE: u32> Scaled<SCALE> {
    /// The number of units.
    pub fn units(self) -> i64 {
        self.0
    }
}

impl<const SCALE: u32> From<Decimal> for Scaled<SCALE> {
    /// A valid number: more digits would be cut off.
    fn from(mut number: Decimal) -> Self {
        number.rescale(SCALE);
        Self(i64::try_from(number.mantissa()).unwrap_or(i64::MAX))
    }
}

impl<const SCALE: u32> From<Scaled<SCALE>> for Decimal {
    fn from(scaled: Scaled<SCALE>) -> Self {
        Self::new(scaled.0, SCALE)
    }
}

impl<const SCALE: u32> sqlx::Type<Sqlite> for Scaled<SCALE> {
    fn type_info() -> SqliteTypeInfo {
        <i64 as sqlx::Type<Sqlite>>::type_info()
    }
}

impl<const SCALE: u32> sqlx::Encode<'_, Sqlite> for Scaled<SCALE> {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        <i64 as sqlx::Encode<Sqlite>>::encode(self.0, buffer)
    }
}

impl<const SCALE: u32> sqlx::Decode<'_, Sqlite> for Scaled<SCALE> {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        <i64 as sqlx::Decode<Sqlite>>::decode(value).map(Self)
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

        impl sqlx::Type<sqlx::Sqlite> for $type {
            fn type_info() -> sqlx::sqlite::SqliteTypeInfo {
                <str as sqlx::Type<sqlx::Sqlite>>::type_info()
            }
        }

        impl sqlx::Encode<'_, sqlx::Sqlite> for $type {
            fn encode_by_ref(
                &self,
                buffer: &mut sqlx::sqlite::SqliteArgumentsBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <&str as sqlx::Encode<sqlx::Sqlite>>::encode(self.as_text(), buffer)
            }
        }

        impl sqlx::Decode<'_, sqlx::Sqlite> for $type {
            fn decode(
                value: sqlx::sqlite::SqliteValueRef<'_>,
            ) -> Result<Self, sqlx::error::BoxDynError> {
                match <&str as sqlx::Decode<sqlx::Sqlite>>::decode(value)? {
                    $($text => Ok(Self::$variant),)+
                    other => Err(format!("the column holds `{other}`").into()),
                }
            }
        }
    };
}

pub(crate) use stored_as_text;
