//! Versions of a resource over HTTP: `ETag`, `If-Match` and `If-None-Match` (RFC 9110, 13).

use std::convert::Infallible;

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::IntoParams;

use crate::error::Error;

/// The versions that a write may change; any version without the header.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Header, names("If-Match"))]
pub struct IfMatch(
    /// `ETag` of the version to change; the request fails if the resource has another one.
    #[param(value_type = String, required = false, example = "\"1\"")]
    Preconditions,
);

/// The versions that the client holds.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Header, names("If-None-Match"))]
pub struct IfNoneMatch(
    /// `ETag` of the version that the client holds; the response is 304 if it is current.
    #[param(value_type = String, required = false, example = "\"1\"")]
    Preconditions,
);

/// Both headers: one request may have both, and each counts for every method (RFC 9110, 13.1).
#[derive(Clone, Debug)]
struct Preconditions {
    only: Option<Tags>,
    none: Option<Tags>,
}

impl Preconditions {
    fn read(headers: &HeaderMap) -> Self {
        Self {
            only: Tags::read(headers, header::IF_MATCH),
            none: Tags::read(headers, header::IF_NONE_MATCH),
        }
    }

    /// Whether `If-Match` allows the version. Strong comparison: a weak tag never matches.
    fn allow(&self, version: i64) -> bool {
        self.only.as_ref().is_none_or(|tags| tags.contain(version, |tag| tag))
    }

    /// Whether `If-None-Match` names the version.
    fn exclude(&self, version: i64) -> bool {
        self.none.as_ref().is_some_and(|tags| tags.contain(version, weakly))
    }
}

impl IfMatch {
    /// Check the version of a resource before a write.
    ///
    /// # Errors
    /// [`Error::Stale`]: the resource is at another version, or at one that `If-None-Match` excludes.
    pub fn check(&self, version: i64) -> Result<(), Error> {
        let good = self.0.allow(version) && !self.0.exclude(version);
        if good { Ok(()) } else { Err(Error::Stale) }
    }
}

impl IfNoneMatch {
    /// The resource, or 304 if the client holds this version.
    ///
    /// # Errors
    /// [`Error::Stale`]: the resource is at another version than `If-Match` names.
    pub fn answer(&self, version: i64, body: impl IntoResponse) -> Result<Response, Error> {
        if !self.0.allow(version) {
            return Err(Error::Stale);
        }
        Ok(if self.0.exclude(version) {
            (StatusCode::NOT_MODIFIED, [etag(version)]).into_response()
        } else {
            ([etag(version)], body).into_response()
        })
    }
}

/// A resource with its `ETag`.
pub fn tagged<T: Serialize>(version: i64, body: T) -> Response {
    ([etag(version)], Json(body)).into_response()
}

/// A new resource with its `ETag` and `Location`.
pub fn created<T: Serialize>(location: &str, version: i64, body: T) -> Response {
    let location = HeaderValue::from_str(location).expect("a path");
    (StatusCode::CREATED, [(header::LOCATION, location)], tagged(version, body)).into_response()
}

fn etag(version: i64) -> (HeaderName, HeaderValue) {
    let tag = HeaderValue::from_str(&text(version)).expect("digits in quotes");
    (header::ETAG, tag)
}

/// Weak comparison: a weak tag equals the strong one.
fn weakly(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

fn text(version: i64) -> String {
    format!("\"{version}\"")
}

/// The tags of a header, verbatim.
#[derive(Clone, Debug)]
struct Tags(Vec<String>);

impl Tags {
    fn read(headers: &HeaderMap, name: HeaderName) -> Option<Self> {
        let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default());
        // Tags of this service hold no comma, and no others are compared.
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
        Ok(Self(Preconditions::read(&parts.headers)))
    }
}

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Preconditions::read(&parts.headers)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &HeaderName, lines: &[&'static str]) -> Preconditions {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, line.parse().unwrap());
        }
        Preconditions::read(&headers)
    }

    #[test]
    fn a_write_needs_the_current_version() {
        let check = |name, lines: &[&'static str]| IfMatch(headers(&name, lines)).check(3);
        for good in [&[][..], &["\"3\""], &["\"2\", \"3\""], &["\"2\"", "\"3\""], &["*"]] {
            assert!(check(header::IF_MATCH, good).is_ok(), "{good:?}");
        }
        for bad in [&["\"2\""][..], &["W/\"3\""], &["3"], &[""], &["\"33\""]] {
            assert!(check(header::IF_MATCH, bad).is_err(), "{bad:?}");
        }
        assert!(check(header::IF_NONE_MATCH, &["*"]).is_err(), "only where there is none");
        assert!(check(header::IF_NONE_MATCH, &["\"2\""]).is_ok());
    }

    #[test]
    fn a_cached_copy_is_compared_weakly() {
        for (line, status) in [("\"3\"", 304), ("W/\"3\"", 304), ("*", 304), ("\"2\"", 200)] {
            let answer =
                IfNoneMatch(headers(&header::IF_NONE_MATCH, &[line])).answer(3, ()).unwrap();
            assert_eq!(answer.status(), status, "{line}");
            assert_eq!(answer.headers()["etag"], "\"3\"");
        }
        assert!(IfNoneMatch(headers(&header::IF_MATCH, &["\"2\""])).answer(3, ()).is_err());
    }
}
