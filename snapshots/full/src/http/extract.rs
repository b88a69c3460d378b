//! Extractors that validate. They reject with a problem.

use std::{borrow::Cow, fmt, marker::PhantomData};

use axum::{
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, RawPathParams, Request,
        path::ErrorKind,
        rejection::{BytesRejection, PathRejection},
    },
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use garde::Validate;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;
use serde_path_to_error::Segment;

use super::problem::{Kind, Problem};
use crate::error::{Error, FaultCode, FieldFault};

/// Values of a wrong type that one problem lists: finding each takes another parse of the body.
const MAX_TYPE_FAULTS: usize = 20;

/// Of a larger body, only the first fault is listed: as values, it would take many times its size.
const MAX_SEARCHED_BYTES: usize = 65_536;

/// A valid JSON body.
///
/// Rejects with 400 (not JSON), 413, 415, or 422 (wrong type, unknown field, broken rule).
/// Unknown fields are rejected where `T` has `#[serde(deny_unknown_fields)]`.
#[derive(Clone, Copy, Debug)]
pub struct ValidJson<T>(pub T);

impl<S, T> FromRequest<S> for ValidJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context: Default>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = read(request, state).await?;
        parse(&body).map(Self)
    }
}

/// The bytes of a JSON body.
///
/// # Errors
/// 400, 413 or 415.
pub async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        let detail = "The body must be sent as application/json.";
        return Err(Problem::new(Kind::UnsupportedMediaType).detail(detail));
    }
    Bytes::from_request(request, state).await.map_err(|rejection| unreadable(&rejection))
}

/// The valid value of a JSON body.
///
/// # Errors
/// 400 or 422, as [`ValidJson`].
pub fn parse<T>(body: &[u8]) -> Result<T, Problem>
where
    T: DeserializeOwned + Validate<Context: Default>,
{
    let mut json = serde_json::Deserializer::from_slice(body);
    let Object(value) = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let pointer = serde_pointer(error.path());
        match error.into_inner() {
            // serde_json reports a `null` in place of an enum as a fault of the JSON.
            error if error.is_data() || serde_json::from_slice::<IgnoredAny>(body).is_ok() => {
                let fault = type_fault(pointer, &error.to_string());
                Error::Invalid(type_faults::<T>(body, fault)).into()
            }
            error => malformed(format!("The body is not JSON: {error}.")),
        }
    })?;
    json.end().map_err(|error| malformed(format!("The body is not one JSON value: {error}.")))?;
    let value = validated(value).map_err(Error::Invalid)?;
    if contains_nul(body) {
        return Err(Error::Invalid(vec![nul(String::new())]).into());
    }
    Ok(value)
}

/// A value that is an object in JSON. By itself serde reads structs from arrays, too, by position.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members))
            }
        }

        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

/// Whether a text of the JSON contains NUL, which not every database stores. In JSON it is escaped.
fn contains_nul(mut json: &[u8]) -> bool {
    while let Some(at) = json.iter().position(|byte| *byte == b'\\') {
        if json[at..].starts_with(br"\u0000") {
            return true;
        }
        // The next byte is escaped, and may be another backslash.
        json = json.get(at + 2..).unwrap_or_default();
    }
    false
}

fn nul(pointer: String) -> FieldFault {
    FieldFault { pointer, detail: "must not contain NUL".to_owned(), code: FaultCode::Invalid }
}

fn malformed(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(Kind::Malformed).detail(detail)
}

/// Valid query parameters; rejects with 422.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context: Default>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let value = query(parts.uri.query().unwrap_or_default());
        value.map(Self).map_err(|faults| Error::Invalid(faults).into())
    }
}

/// The valid value of a query string.
///
/// # Errors
/// The faults that were found.
pub fn query<T>(query: &str) -> Result<T, Vec<FieldFault>>
where
    T: DeserializeOwned + Validate<Context: Default>,
{
    let pairs = form_urlencoded::parse(query.as_bytes());
    let value = serde_urlencoded::Deserializer::new(pairs);
    let value = serde_path_to_error::deserialize(value).map_err(|error| {
        vec![type_fault(serde_pointer(error.path()), &error.inner().to_string())]
    })?;
    let value = validated(value)?;
    match pairs.into_iter().find(|(_, value)| value.contains('\0')) {
        Some((name, _)) => Err(vec![nul(format!("/{name}"))]),
        None => Ok(value),
    }
}

/// Path parameters of the right type; rejects with 422.
///
/// A rule beyond the type belongs into the type: `#[serde(try_from = "String")]`.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<S, T> FromRequestParts<S> for Path<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let error = match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => return Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error))
                if error.status() == StatusCode::BAD_REQUEST =>
            {
                error
            }
            Err(rejection) => return Err(Error::internal(rejection).into()),
        };
        let detail = error.body_text();
        let name = match error.into_kind() {
            ErrorKind::ParseErrorAtKey { key, .. }
            | ErrorKind::DeserializeError { key, .. }
            | ErrorKind::InvalidUtf8InPathParam { key } => Some(key),
            // axum does not name a single parameter.
            _ => RawPathParams::from_request_parts(parts, state)
                .await
                .ok()
                .and_then(|all| all.iter().next().map(|(name, _)| name.to_owned())),
        };
        let pointer = name.map_or_else(String::new, |name| format!("/{name}"));
        Err(invalid_type(pointer, &detail).into())
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    let subtype = media_type.strip_prefix("application/").unwrap_or_default();
    subtype == "json" || subtype.ends_with("+json")
}

fn unreadable(rejection: &BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Kind::TooLarge),
        _ => malformed("The body ended early."),
    }
}

fn validated<T: Validate<Context: Default>>(value: T) -> Result<T, Vec<FieldFault>> {
    let Err(report) = value.validate() else {
        return Ok(value);
    };
    let faults = report.iter().map(|(path, error)| FieldFault {
        pointer: garde_pointer(&path.to_string()),
        detail: error.message().to_owned(),
        code: FaultCode::Invalid,
    });
    Err(faults.collect())
}

/// Finds all values of a wrong type. Serde stops at the first: each is removed to find the next.
///
/// `first` is the fault of the complete body.
fn type_faults<T: DeserializeOwned>(body: &[u8], first: FieldFault) -> Vec<FieldFault> {
    let mut faults: Vec<FieldFault> = Vec::new();
    let small = Some(body).filter(|body| body.len() <= MAX_SEARCHED_BYTES);
    let Some(Ok(mut body)) = small.map(serde_json::from_slice::<Value>) else {
        return vec![first];
    };
    while faults.len() < MAX_TYPE_FAULTS
        && let Err(error) = serde_path_to_error::deserialize::<_, Object<T>>(&body)
    {
        let pointer = serde_pointer(error.path());
        let fault = type_fault(pointer, &error.inner().to_string());
        let (parent, name) = fault.pointer.rsplit_once('/').unwrap_or_default();
        let parent = body.pointer_mut(parent).and_then(Value::as_object_mut);
        let name = name.replace("~1", "/").replace("~0", "~");
        let taken_out = fault.code != FaultCode::Missing
            && parent.is_some_and(|parent| parent.remove(&name).is_some());
        // A value may be missing because it was removed here.
        let by_us = fault.code == FaultCode::Missing
            && faults.iter().any(|earlier| earlier.code == FaultCode::Type);
        if !by_us {
            faults.push(fault);
        }
        if !taken_out {
            break;
        }
    }
    if !faults.iter().any(|fault| fault.pointer == first.pointer) {
        faults.insert(0, first);
    }
    faults
}

fn invalid_type(pointer: String, message: &str) -> Error {
    Error::Invalid(vec![type_fault(pointer, message)])
}

fn type_fault(pointer: String, message: &str) -> FieldFault {
    // The start of the message is serde's, the rest may be the client's.
    let code = if message.starts_with("unknown field") {
        FaultCode::Unknown
    } else if message.starts_with("missing field") {
        FaultCode::Missing
    } else {
        FaultCode::Type
    };
    FieldFault { pointer, detail: message.to_owned(), code }
}

/// The place where serde stopped, as a JSON pointer.
fn serde_pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.extend(["/", &index.to_string()]),
            // A client chose the key: escaped as in RFC 6901, 3.
            Segment::Map { key } => {
                pointer.extend(["/", &key.replace('~', "~0").replace('/', "~1")]);
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// `items[0].name` as `/items/0/name`, and `r#type` as `/type`.
fn garde_pointer(path: &str) -> String {
    let steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
    steps.flat_map(|step| ["/", step.trim_start_matches("r#")]).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn paths_become_pointers() {
        assert_eq!(garde_pointer("items[0].name"), "/items/0/name");
        assert_eq!(garde_pointer("items[0].r#type"), "/items/0/type");
        let body = r#"{"a/b": [0, {"m~n": "no number"}]}"#;
        let error =
            serde_path_to_error::deserialize::<_, HashMap<String, (u8, HashMap<String, u8>)>>(
                &mut serde_json::Deserializer::from_str(body),
            )
            .unwrap_err();
        assert_eq!(serde_pointer(error.path()), "/a~1b/1/m~0n");
    }

    #[test]
    fn a_value_that_resembles_a_message_is_not_parsed() {
        let Error::Invalid(faults) =
            invalid_type(String::new(), "invalid type: string \"missing field\", expected u8")
        else {
            panic!("another error");
        };
        assert_eq!(faults[0].code, FaultCode::Type);
    }

    #[test]
    fn nul_is_found_in_texts_alone() {
        assert!(contains_nul(br#"{"a": "\u0000"}"#) && contains_nul(br#"["\\\u0000"]"#));
        assert!(!contains_nul(br#"["\\u0000", "u0000", "\n\u0001"]"#) && !contains_nul(b"\\"));
    }

    #[test]
    fn json_is_recognised_by_its_media_type() {
        let is_json = |value: &'static str| {
            is_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]))
        };
        assert!(is_json("application/json"));
        assert!(is_json("Application/JSON; charset=utf-8"));
        assert!(is_json("application/vnd.api+JSON"));
        assert!(is_json("application/merge-patch+json"));
        assert!(!is_json("text/plain"));
        assert!(!is_json("application/x-www-form-urlencoded"));
    }
}
