//! Refuses clients that accept no representation of the service, before any work is done.

use std::ops::ControlFlow;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, header},
    response::{IntoResponse, Response},
};

use super::around::Middleware;
use crate::http::problem::{Kind, Problem};

/// Answers 406 where `Accept` excludes `application/json`.
#[derive(Clone, Copy)]
pub struct Json;

/// Answers 406 where `Accept-Encoding` excludes every coding, `identity` included.
///
/// tower-http would do so after the handler has run.
#[derive(Clone, Copy)]
pub struct Encoding;

impl Middleware for Json {
    type Kept = ();

    fn before(&self, request: &mut Request) -> ControlFlow<Response> {
        if takes_json(request.headers()) {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(refuse("The service answers with application/json."))
    }
}

impl Middleware for Encoding {
    type Kept = ();

    fn before(&self, request: &mut Request) -> ControlFlow<Response> {
        if takes_an_encoding(request.headers()) {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(refuse("The service answers with br, zstd, gzip or identity."))
    }
}

fn refuse(detail: &'static str) -> Response {
    Problem::new(Kind::NotAcceptable).detail(detail).into_response()
}

/// The most specific range decides (RFC 9110, 12.5.1); without a header, anything is accepted.
fn takes_json(headers: &HeaderMap) -> bool {
    let mut ranges = preferences(headers, header::ACCEPT).peekable();
    if ranges.peek().is_none() {
        return true;
    }
    let best = ranges.filter_map(|(range, wanted)| {
        let rank = match range.as_str() {
            "application/json" => 2,
            "application/*" => 1,
            "*/*" => 0,
            _ => return None,
        };
        Some((rank, wanted))
    });
    best.max().is_some_and(|(_, wanted)| wanted)
}

/// A coding that is not listed falls under `*`; `identity` is accepted unless excluded (RFC 9110,
/// 12.5.3).
fn takes_an_encoding(headers: &HeaderMap) -> bool {
    let listed: Vec<_> = preferences(headers, header::ACCEPT_ENCODING).collect();
    let wants = |name: &str| listed.iter().find(|(coding, _)| coding == name).map(|(_, q)| *q);
    let rest = wants("*");
    wants("identity").or(rest).unwrap_or(true)
        || ["br", "zstd", "gzip"].iter().any(|name| wants(name).or(rest).unwrap_or(false))
}

/// Each entry in lower case, and whether its weight is above zero.
fn preferences(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = (String, bool)> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    let entries = lines.flat_map(|line| line.split(',')).map(str::trim);
    entries.filter(|entry| !entry.is_empty()).map(|entry| {
        let entry = entry.to_ascii_lowercase();
        let mut parts = entry.split(';').map(str::trim);
        let value = parts.next().unwrap_or_default().to_owned();
        let q = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1");
        (value, q.parse::<f32>().unwrap_or(1.0) > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_range_decides() {
        let takes = |value: &'static str| {
            takes_json(&HeaderMap::from_iter([(header::ACCEPT, value.parse().unwrap())]))
        };
        assert!(takes_json(&HeaderMap::new()));
        for good in ["", "*/*", "text/html, */*;q=0.1", "application/json", "Application/*; q=0.5"]
        {
            assert!(takes(good), "{good}");
        }
        for bad in ["text/html", "application/json;Q=0, */*", "image/*", "*/*;q=0"] {
            assert!(!takes(bad), "{bad}");
        }
    }

    #[test]
    fn identity_is_accepted_unless_excluded() {
        let takes = |value: &'static str| {
            takes_an_encoding(&HeaderMap::from_iter([(
                header::ACCEPT_ENCODING,
                value.parse().unwrap(),
            )]))
        };
        assert!(takes_an_encoding(&HeaderMap::new()));
        for good in ["", "gzip", "deflate", "br;q=0", "identity;q=0, gzip", "*;q=0, zstd", "*"] {
            assert!(takes(good), "{good}");
        }
        for bad in ["identity;q=0", "*;q=0", "identity;q=0, br;q=0.0", "deflate, *;q=0"] {
            assert!(!takes(bad), "{bad}");
        }
    }
}
