//! Extractors that check what they extract. What they refuse is answered with a problem.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use garde::Validate;
use serde::de::DeserializeOwned;

use crate::error::{AppError, FaultCode, FieldFault};

/// A JSON body that is valid.
///
/// Refuses with 400 (not JSON), 413, 415, or 422 (wrong type, unknown field, broken rule).
/// Unknown fields are refused where `T` says `#[serde(deny_unknown_fields)]`.
#[derive(Clone, Copy, Debug)]
pub struct ValidJson<T>(pub T);

impl<S, T> FromRequest<S> for ValidJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context: Default>,
{
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        if !is_json(request.headers()) {
            return Err(AppError::UnsupportedMediaType);
        }
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| unreadable(&rejection))?;
        let mut json = serde_json::Deserializer::from_slice(&body);
        let value: T = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = pointer(&error.path().to_string());
            match error.into_inner() {
                error if error.is_data() => invalid_type(path, &error.to_string()),
                error => AppError::BadRequest(format!("The body is not JSON: {error}.")),
            }
        })?;
        json.end().map_err(|error| {
            AppError::BadRequest(format!("The body goes on after its JSON value: {error}."))
        })?;
        validated(value).map(Self)
    }
}

/// Query parameters that are valid; refuses with 422.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context: Default>,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        let value = serde_urlencoded::Deserializer::new(pairs);
        let value = serde_path_to_error::deserialize(value).map_err(|error| {
            invalid_type(pointer(&error.path().to_string()), &error.inner().to_string())
        })?;
        validated(value).map(Self)
    }
}

/// Path parameters of the right type; refuses with 422.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<S, T> FromRequestParts<S> for Path<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) if rejection.status() == StatusCode::BAD_REQUEST => {
                Err(invalid_type(String::new(), &rejection.body_text()))
            }
            Err(rejection) => Err(AppError::internal(rejection)),
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type =
        media_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    let subtype = media_type.strip_prefix("application/").unwrap_or_default();
    subtype.eq_ignore_ascii_case("json") || subtype.ends_with("+json")
}

fn unreadable(rejection: &BytesRejection) -> AppError {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => AppError::PayloadTooLarge,
        _ => AppError::BadRequest("The body ended early.".to_owned()),
    }
}

fn validated<T: Validate<Context: Default>>(value: T) -> Result<T, AppError> {
    let Err(report) = value.validate() else {
        return Ok(value);
    };
    let faults = report.iter().map(|(path, error)| FieldFault {
        pointer: pointer(&path.to_string()),
        detail: error.message().to_owned(),
        code: FaultCode::Invalid,
    });
    Err(AppError::Invalid(faults.collect()))
}

/// Serde stops at the first value that it cannot take, so there is one fault.
fn invalid_type(pointer: String, message: &str) -> AppError {
    let code = if message.contains("unknown field") {
        FaultCode::Unknown
    } else if message.contains("missing field") {
        FaultCode::Missing
    } else {
        FaultCode::Type
    };
    let detail = message.to_owned();
    AppError::Invalid(vec![FieldFault { pointer, detail, code }])
}

/// `items[0].name` as `/items/0/name`.
fn pointer(path: &str) -> String {
    let steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
    steps.flat_map(|step| ["/", step]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_pointers() {
        assert_eq!(pointer("items[0].name"), "/items/0/name");
        assert_eq!(pointer("."), "");
    }

    #[test]
    fn json_is_recognised_by_its_media_type() {
        let is_json = |value: &'static str| {
            is_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]))
        };
        assert!(is_json("application/json"));
        assert!(is_json("Application/JSON; charset=utf-8") || is_json("application/JSON"));
        assert!(is_json("application/merge-patch+json"));
        assert!(!is_json("text/plain"));
        assert!(!is_json("application/x-www-form-urlencoded"));
    }
}
