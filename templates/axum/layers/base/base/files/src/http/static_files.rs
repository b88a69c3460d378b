//! Files of `static/`, built into the binary.

use std::time::Duration;

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::RustEmbed;

use super::Shared;
use crate::error::Error;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// `GET /static/…`, which clients may keep for `max_age`.
pub fn routes<S: Shared>(max_age: Duration) -> Router<S> {
    let serve = async move |path: Path<String>, headers: HeaderMap| serve(&path, &headers, max_age);
    Router::new().route("/static/{*path}", get(serve))
}

fn serve(path: &str, headers: &HeaderMap, max_age: Duration) -> Result<Response, Error> {
    let file = Files::get(path).ok_or(Error::NotFound)?;
    let etag = etag(file.metadata.sha256_hash());
    let max_age = format!("public, max-age={}", max_age.as_secs());
    let caching = [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, max_age)];

    if headers.get_all(header::IF_NONE_MATCH).iter().any(|known| names(known, &etag)) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let media_type = file.metadata.mimetype().to_owned();
    Ok((caching, [(header::CONTENT_TYPE, media_type)], file.data).into_response())
}

/// Weak, because compression changes the bytes on the way out.
fn etag(sha256: [u8; 32]) -> String {
    let head = u128::from_be_bytes(sha256[..16].try_into().expect("16 of 32 bytes"));
    format!("W/\"{head:032x}\"")
}

/// Whether `If-None-Match` names `etag`, weakly compared (RFC 9110, 8.8.3.2).
fn names(if_none_match: &HeaderValue, etag: &str) -> bool {
    let Ok(list) = if_none_match.to_str() else {
        return false;
    };
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    list.split(',').any(|tag| tag.trim() == "*" || bare(tag) == bare(etag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match_is_a_list_compared_weakly() {
        let etag = etag([7; 32]);
        let named = |list: &str| names(&HeaderValue::from_str(list).unwrap(), &etag);
        assert!(named("*"));
        assert!(named(&format!("\"other\", {etag}")));
        assert!(named(etag.trim_start_matches("W/")));
        assert!(!named("\"other\""));
    }
}
