//! Refuses clients that take nothing of what is served, before any work is done for them.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::error::AppError;

/// Answers 406 where `Accept` rules out `application/json`.
pub async fn json(request: Request, next: Next) -> Response {
    if takes_json(request.headers()) {
        next.run(request).await
    } else {
        AppError::NotAcceptable("This service answers with application/json.").into_response()
    }
}

/// Answers 406 where `Accept-Encoding` rules out every coding, none included.
///
/// tower-http would say so after the handler has run, whatever that has done.
pub async fn encoding(request: Request, next: Next) -> Response {
    if takes_an_encoding(request.headers()) {
        next.run(request).await
    } else {
        AppError::NotAcceptable("This service answers with br, zstd, gzip or identity.")
            .into_response()
    }
}

/// The most specific range decides (RFC 9110, 12.5.1); no header takes anything.
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

/// What is not listed falls under `*`, and `identity` is fine unless refused (RFC 9110, 12.5.3).
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
    fn identity_is_fine_unless_refused() {
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
