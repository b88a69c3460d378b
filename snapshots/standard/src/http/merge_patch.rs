//! JSON merge patch (RFC 7396): omitted fields keep their values, `null` clears a field.

use axum::{
    extract::{FromRequest, Request},
    http::header,
};
use garde::{Validate, error::NoKey, rules::inner::Inner};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use utoipa::{
    PartialSchema,
    openapi::{RefOr, Schema},
};

use crate::http::{
    extract::ValidJson,
    problem::{Kind, Problem},
};

/// One field of a merge patch.
///
/// A nullable field is a `Patch<Option<T>>`; any other rejects `null` as a value of the wrong type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// The field is omitted.
    #[default]
    Keep,
    /// The field gets this value.
    Set(T),
}

impl<T> Patch<T> {
    /// Set `field` if the patch has a value for it.
    pub fn apply(self, field: &mut T) {
        if let Self::Set(value) = self {
            *field = value;
        }
    }
}

/// Give a patch the schema of the type that it patches, with every property optional.
macro_rules! schema {
    ($patch:ident, of $new:ty) => {
        impl utoipa::PartialSchema for $patch {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::http::merge_patch::patch_schema::<$new>()
            }
        }

        impl utoipa::ToSchema for $patch {}
    };
}

pub(crate) use schema;

/// The schema of a patch of `T`, whose own schema is an object.
pub fn patch_schema<T: PartialSchema>() -> RefOr<Schema> {
    let mut schema = T::schema();
    if let RefOr::T(Schema::Object(object)) = &mut schema {
        let about = "A JSON merge patch: omitted fields keep their values, `null` clears a field.";
        object.description = Some(about.to_owned());
        object.required.clear();
        for property in object.properties.values_mut() {
            match property {
                RefOr::Ref(reference) => reference.default = None,
                RefOr::T(Schema::Object(value)) => value.default = None,
                RefOr::T(Schema::OneOf(choice)) => choice.default = None,
                RefOr::T(_) => {}
            }
        }
    }
    schema
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::Set)
    }
}

/// `#[garde(inner(…))]` validates the value of a field that is set.
impl<T> Inner<T> for Patch<T> {
    type Key = NoKey;

    fn validate_inner<F: FnMut(&T, &NoKey)>(&self, mut judge: F) {
        if let Self::Set(value) = self {
            judge(value, &NoKey::default());
        }
    }
}

/// A validated merge patch, sent as `application/merge-patch+json` or `application/json`. Rejects
/// as [`ValidJson`] does.
#[derive(Clone, Copy, Debug)]
pub struct MergePatch<T>(pub T);

impl<S, T> FromRequest<S> for MergePatch<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context: Default>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media_type = request.headers().get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        // `application/json-patch+json` is JSON as well, with another meaning.
        let known = ["application/merge-patch+json", "application/json"];
        if !known.iter().any(|known| media_type.eq_ignore_ascii_case(known)) {
            return Err(Problem::new(Kind::UnsupportedMediaType));
        }
        ValidJson::from_request(request, state).await.map(|ValidJson(patch)| Self(patch))
    }
}
