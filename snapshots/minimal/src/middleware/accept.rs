//! Refuses clients that take no JSON, before any work is done for them.

use axum::{
    extract::Request,
    http::{HeaderMap, header},
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

/// The most specific range decides (RFC 9110, 12.5.1); no header takes anything.
fn takes_json(headers: &HeaderMap) -> bool {
    let mut ranges = headers.get_all(header::ACCEPT).iter().peekable();
    if ranges.peek().is_none() {
        return true;
    }
    let ranges = ranges.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let best = ranges.filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let rank = match parts.next()?.to_ascii_lowercase().as_str() {
            "application/json" => 2,
            "application/*" => 1,
            "*/*" => 0,
            _ => return None,
        };
        let q = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1");
        Some((rank, q.parse::<f32>().unwrap_or(1.0) > 0.0))
    });
    best.max().is_some_and(|(_, wanted)| wanted)
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
        for good in ["*/*", "text/html, */*;q=0.1", "application/json", "Application/*; q=0.5"] {
            assert!(takes(good), "{good}");
        }
        for bad in ["text/html", "application/json;q=0, */*", "image/*", "*/*;q=0"] {
            assert!(!takes(bad), "{bad}");
        }
    }
}
