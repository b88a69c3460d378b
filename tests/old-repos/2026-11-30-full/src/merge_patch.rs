//! JSON merge patch (RFC 7396): what is left out stays, `null` empties, the rest replaces.

use axum::{
    extract::{FromRequest, Request},
    http::header,
};
use garde::{Validate, error::NoKey, rules::inner::Inner};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    error::{AppError, FaultCode, FieldFault},
    extract::ValidJson,
    rules,
};

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

impl Patch<Option<Value>> {
    /// Changes the field at `pointer` that is JSON itself: objects are merged, member by member.
    ///
    /// # Errors
    /// 422: what came of it is too large, though each patch was not.
    pub fn merge(self, field: &mut Option<Value>, pointer: &str) -> Result<(), AppError> {
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
    /// The same for JSON that is always there.
    ///
    /// # Errors
    /// 422: what came of it is too large, though each patch was not.
    pub fn merge(self, field: &mut Value, pointer: &str) -> Result<(), AppError> {
        match self {
            Self::Keep => Ok(()),
            Self::Set(patch) => merge_at(field, patch, pointer),
        }
    }
}

fn merge_at(field: &mut Value, patch: Value, pointer: &str) -> Result<(), AppError> {
    merge(field, patch);
    rules::json(field, &()).map_err(|error| {
        let (pointer, detail) = (pointer.to_owned(), error.to_string());
        AppError::Invalid(vec![FieldFault { pointer, detail, code: FaultCode::Invalid }])
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
    let target = target.as_object_mut().expect("it is one now");
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// RFC 7396, appendix A, less the cases whose target is the whole document.
    #[test]
    fn objects_merge_as_the_rfc_says() {
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
