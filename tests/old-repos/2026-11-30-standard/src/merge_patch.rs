//! JSON merge patch (RFC 7396): what is left out stays, `null` empties, the rest replaces.

use axum::{
    extract::{FromRequest, Request},
    http::header,
};
use garde::{Validate, error::NoKey, rules::inner::Inner};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::{error::AppError, extract::ValidJson};

/// What a patch says about a field.
///
/// A field that may be empty is a `Patch<Option<T>>`; to any other, `null` is of the wrong type.
/// Either says `#[serde(default)]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Nothing.
    #[default]
    Keep,
    /// That it has this value now.
    Set(T),
}

impl<T> Patch<T> {
    /// Changes `field` where the patch says so.
    pub fn apply(self, field: &mut T) {
        if let Self::Set(value) = self {
            *field = value;
        }
    }

    /// The same about a value of another type.
    pub fn map<U>(self, to: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Set(value) => Patch::Set(to(value)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::Set)
    }
}

/// `#[garde(inner(…))]` judges the value, where there is one.
impl<T> Inner<T> for Patch<T> {
    type Key = NoKey;

    fn validate_inner<F: FnMut(&T, &NoKey)>(&self, mut judge: F) {
        if let Self::Set(value) = self {
            judge(value, &NoKey::default());
        }
    }
}

/// A merge patch that is valid, sent as one or as plain JSON; refuses as [`ValidJson`] does.
#[derive(Clone, Copy, Debug)]
pub struct MergePatch<T>(pub T);

impl<S, T> FromRequest<S> for MergePatch<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context: Default>,
{
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        let media_type = request.headers().get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        // `application/json-patch+json` is JSON too, and means something else.
        let known = ["application/merge-patch+json", "application/json"];
        if !known.iter().any(|known| media_type.eq_ignore_ascii_case(known)) {
            return Err(AppError::UnsupportedMediaType);
        }
        ValidJson::from_request(request, state).await.map(|ValidJson(patch)| Self(patch))
    }
}
