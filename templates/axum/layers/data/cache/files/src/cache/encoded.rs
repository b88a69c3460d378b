//! Values that are read to be sent: their JSON is kept as clients get it.

use std::{marker::PhantomData, str::from_utf8};

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;

/// The owner of a value that belongs to none.
const NO_OWNER: &str = "-";

/// A `T` in JSON, and what the service itself asks of it.
#[derive(Debug, ToSchema)]
pub struct Encoded<T: ToSchema> {
    /// Number of its version.
    pub version: i64,
    /// Account that it belongs to; `None` where it belongs to none.
    #[schema(value_type = Option<String>)]
    pub owner: Option<Uuid>,
    /// The value. Its schema is inline, as the shape of an entry does not follow references.
    #[schema(inline, value_type = T)]
    body: Bytes,
    #[schema(ignore)]
    value: PhantomData<T>,
}

impl<T: ToSchema> Encoded<T> {
    /// Encodes a value.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn new(version: i64, owner: Option<Uuid>, value: &T) -> Result<Self, Error>
    where
        T: Serialize,
    {
        let body = serde_json::to_vec(value).map_err(Error::internal)?.into();
        Ok(Self { version, owner, body, value: PhantomData })
    }

    /// The value.
    ///
    /// # Errors
    /// It cannot be read, as another process has written it.
    pub fn decode(&self) -> Result<T, Error>
    where
        T: DeserializeOwned,
    {
        serde_json::from_slice(&self.body).map_err(Error::internal)
    }

    /// `VERSION OWNER JSON`, of which the JSON is not looked at when it is read.
    pub(super) fn to_entry(&self) -> Bytes {
        let owner = self.owner.map_or_else(|| NO_OWNER.to_owned(), |owner| owner.to_string());
        [format!("{} {owner} ", self.version).as_bytes(), &self.body].concat().into()
    }

    pub(super) fn from_entry(entry: &Bytes) -> Option<Self> {
        let mut parts = entry.splitn(3, |byte| *byte == b' ');
        let version = from_utf8(parts.next()?).ok()?.parse().ok()?;
        let owner = match from_utf8(parts.next()?).ok()? {
            NO_OWNER => None,
            owner => Some(owner.parse().ok()?),
        };
        let body = entry.slice_ref(parts.next()?);
        Some(Self { version, owner, body, value: PhantomData })
    }
}

impl<T: ToSchema> IntoResponse for Encoded<T> {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_entry_is_read_again_and_another_is_not() {
        let value = "a b".to_owned();
        for owner in [None, Some(Uuid::now_v7())] {
            let entry = Encoded::new(7, owner, &value).unwrap().to_entry();
            let read = Encoded::<String>::from_entry(&entry).unwrap();
            assert_eq!((read.version, read.owner), (7, owner));
            assert_eq!(read.decode().unwrap(), value);
        }
        for other in ["", "null", "7", "7 -", "x - {}", "7 x {}", "{\"version\":7}"] {
            assert!(Encoded::<String>::from_entry(&Bytes::from(other)).is_none(), "{other}");
        }
    }
}
