//! Versions of a resource in HTTP: `ETag`, `If-Match`, `If-None-Match` (RFC 9110, 13).

use std::convert::Infallible;

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::IntoParams;

use crate::error::AppError;

/// The version that a write is meant for; any where the client names none.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Header, names("If-Match"))]
pub struct IfMatch(
    /// The `ETag` that was read; if it has changed since, nothing is written.
    #[param(value_type = String, required = false, example = "\"1\"")]
    Option<Tags>,
);

/// The version that the client has.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Header, names("If-None-Match"))]
pub struct IfNoneMatch(
    /// The `ETag` that the client has; if it still holds, the answer is 304.
    #[param(value_type = String, required = false, example = "\"1\"")]
    Option<Tags>,
);

impl IfMatch {
    /// Whether the write may go on.
    ///
    /// # Errors
    /// 412: the resource is at another version.
    pub fn check(&self, version: i64) -> Result<(), AppError> {
        match &self.0 {
            // Compared strongly: a weak tag is never the same.
            Some(tags) if !tags.contain(version, |tag| tag) => Err(AppError::PreconditionFailed),
            _ => Ok(()),
        }
    }
}

impl IfNoneMatch {
    /// The resource, or 304 where the client has this version.
    pub fn answer<T: Serialize>(&self, version: i64, body: T) -> Response {
        match &self.0 {
            Some(tags) if tags.contain(version, weakly) => {
                (StatusCode::NOT_MODIFIED, [etag(version)]).into_response()
            }
            _ => tagged(version, body),
        }
    }
}

/// A resource, with its version.
pub fn tagged<T: Serialize>(version: i64, body: T) -> Response {
    ([etag(version)], Json(body)).into_response()
}

/// A resource that was made just now, with its version and its address.
pub fn created<T: Serialize>(location: &str, version: i64, body: T) -> Response {
    let location = HeaderValue::from_str(location).expect("a path");
    (StatusCode::CREATED, [(header::LOCATION, location)], tagged(version, body)).into_response()
}

fn etag(version: i64) -> (HeaderName, HeaderValue) {
    let tag = HeaderValue::from_str(&text(version)).expect("digits in quotes");
    (header::ETAG, tag)
}

/// Compared weakly, a weak tag is as good as the strong one.
fn weakly(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

fn text(version: i64) -> String {
    format!("\"{version}\"")
}

/// The tags of a header, as they were written.
#[derive(Clone, Debug)]
struct Tags(Vec<String>);

impl Tags {
    fn read(headers: &HeaderMap, name: HeaderName) -> Option<Self> {
        let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default());
        // A tag of ours holds no comma, and no other is ever looked for.
        let tags: Vec<_> = lines.flat_map(|line| line.split(',')).collect();
        (!tags.is_empty())
            .then(|| Self(tags.into_iter().map(|tag| tag.trim().to_owned()).collect()))
    }

    fn contain(&self, version: i64, strip: impl Fn(&str) -> &str) -> bool {
        let version = text(version);
        self.0.iter().any(|tag| tag == "*" || strip(tag) == version)
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Tags::read(&parts.headers, header::IF_MATCH)))
    }
}

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Tags::read(&parts.headers, header::IF_NONE_MATCH)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(lines: &[&'static str]) -> Option<Tags> {
        let lines = lines.iter().map(|line| (header::IF_MATCH, line.parse().unwrap()));
        let mut headers = HeaderMap::new();
        lines.for_each(|(name, value)| {
            headers.append(name, value);
        });
        Tags::read(&headers, header::IF_MATCH)
    }

    #[test]
    fn a_write_goes_on_for_its_version_alone() {
        for good in [&[][..], &["\"3\""], &["\"2\", \"3\""], &["\"2\"", "\"3\""], &["*"]] {
            assert!(IfMatch(tags(good)).check(3).is_ok(), "{good:?}");
        }
        for bad in [&["\"2\""][..], &["W/\"3\""], &["3"], &[""], &["\"33\""]] {
            assert!(IfMatch(tags(bad)).check(3).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_copy_is_compared_weakly() {
        for (line, status) in [("\"3\"", 304), ("W/\"3\"", 304), ("*", 304), ("\"2\"", 200)] {
            let answer = IfNoneMatch(tags(&[line])).answer(3, ());
            assert_eq!(answer.status(), status, "{line}");
            assert_eq!(answer.headers()["etag"], "\"3\"");
        }
    }
}
