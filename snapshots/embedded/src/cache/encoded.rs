//! Values that are read to be sent: their JSON is kept as clients get it.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;

/// A `T` in JSON, and what the service itself asks of it.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct Encoded<T: ToSchema> {
    /// Number of its version.
    pub version: i64,
    /// Account that it belongs to; `None` where it belongs to none.
    #[schema(value_type = Option<String>)]
    pub owner: Option<Uuid>,
    /// The value. Its schema is inline, as the shape of an entry does not follow references.
    #[schema(inline, value_type = T)]
    pub json: Box<RawValue>,
    #[serde(skip)]
    #[schema(ignore)]
    value: PhantomData<T>,
}

impl<T: Serialize + ToSchema> Encoded<T> {
    /// Encodes a value.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn new(version: i64, owner: Option<Uuid>, value: &T) -> Result<Self, Error> {
        let json = to_raw_value(value).map_err(Error::internal)?;
        Ok(Self { version, owner, json, value: PhantomData })
    }
}

impl<T: DeserializeOwned + ToSchema> Encoded<T> {
    /// The value.
    ///
    /// # Errors
    /// It cannot be read, as another process has written it.
    pub fn decode(&self) -> Result<T, Error> {
        serde_json::from_str(self.json.get()).map_err(Error::internal)
    }
}
