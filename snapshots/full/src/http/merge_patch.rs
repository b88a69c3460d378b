//! JSON merge patch (RFC 7396): omitted fields keep their values, `null` clears a field.

use axum::{
    extract::{FromRequest, Request},
    http::header,
};
use garde::{Validate, error::NoKey, rules::inner::Inner};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;
use utoipa::{
    PartialSchema,
    openapi::{RefOr, Schema},
};

use crate::{
    error::{Error, FaultCode, FieldFault},
    http::{
        extract::ValidJson,
        problem::{Kind, Problem},
        rules,
    },
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

/// Give a replacement the schema of the type that it replaces, in which the fields that it may keep are
/// optional.
macro_rules! replacement_schema {
    ($replacement:ident, of $new:ty, keeping $kept:expr) => {
        impl utoipa::PartialSchema for $replacement {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::http::merge_patch::schema_with_kept::<$new>(&$kept)
            }
        }

        impl utoipa::ToSchema for $replacement {}
    };
}

pub(crate) use {replacement_schema, schema};

/// The schema of a patch of `T`, whose own schema is an object.
pub fn patch_schema<T: PartialSchema>() -> RefOr<Schema> {
    let about = "A JSON merge patch: omitted fields keep their values, `null` clears a field.";
    with_optional::<T>(about.to_owned(), |_| true)
}

/// The schema of a replacement of `T`, whose own schema is an object.
pub fn schema_with_kept<T: PartialSchema>(kept: &[&str]) -> RefOr<Schema> {
    let about = format!(
        "New values. Omitted fields take their defaults, but these keep their values: `{}`.",
        kept.join("`, `"),
    );
    with_optional::<T>(about, |name| kept.contains(&name))
}

fn with_optional<T: PartialSchema>(
    about: String,
    is_optional: impl Fn(&str) -> bool,
) -> RefOr<Schema> {
    let mut schema = T::schema();
    if let RefOr::T(Schema::Object(object)) = &mut schema {
        object.description = Some(about);
        object.required.retain(|name| !is_optional(name));
        for (name, property) in &mut object.properties {
            if !is_optional(name) {
                continue;
            }
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

impl Patch<Option<Value>> {
    /// Merge the patch into the JSON field at `pointer`, member by member.
    ///
    /// # Errors
    /// The merged value is too large, though each patch was not.
    pub fn merge(self, field: &mut Option<Value>, pointer: &str) -> Result<(), Error> {
        match self {
            Self::Keep => Ok(()),
            Self::Set(None) => {
                *field = None;
                Ok(())
            }
            Self::Set(Some(patch)) => merge_at(field.get_or_insert(Value::Null), patch, pointer),
        }
    }
}

impl Patch<Value> {
    /// Merge the patch into the JSON field at `pointer`, member by member.
    ///
    /// # Errors
    /// The merged value is too large, though each patch was not.
    pub fn merge(self, field: &mut Value, pointer: &str) -> Result<(), Error> {
        match self {
            Self::Keep => Ok(()),
            Self::Set(patch) => merge_at(field, patch, pointer),
        }
    }
}

fn merge_at(field: &mut Value, patch: Value, pointer: &str) -> Result<(), Error> {
    merge(field, patch);
    rules::json(field, &()).map_err(|error| {
        let (pointer, detail) = (pointer.to_owned(), error.to_string());
        Error::Invalid(vec![FieldFault { pointer, detail, code: FaultCode::Invalid }])
    })
}

fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let target = target.as_object_mut().expect("an object since the line above");
    for (name, value) in patch {
        if value.is_null() {
            target.remove(&name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// RFC 7396, appendix A, less the cases whose target is the whole document.
    #[test]
    fn objects_merge_as_in_the_rfc() {
        for (original, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let mut field = Some(original);
            assert!(Patch::Set(Some(patch)).merge(&mut field, "/a").is_ok());
            assert_eq!(field, Some(result));
        }
    }
}
