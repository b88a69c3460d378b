//! Headers that restrict what a browser does with a response.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::Response,
};

const HEADERS: [(HeaderName, HeaderValue); 9] = [
    fixed("strict-transport-security", "max-age=63072000; includeSubDomains"),
    fixed("x-content-type-options", "nosniff"),
    fixed("x-frame-options", "DENY"),
    // Attackers could turn the old filter against the page.
    fixed("x-xss-protection", "0"),
    fixed("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    fixed("referrer-policy", "no-referrer"),
    fixed("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    fixed("cross-origin-opener-policy", "same-origin"),
    fixed("cross-origin-resource-policy", "same-origin"),
];

const fn fixed(name: &'static str, value: &'static str) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_static(value))
}

/// For a response without a version.
const DO_NOT_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// For one with an `ETag`: the client may keep it, and asks each time whether it is current.
const REVALIDATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Adds each header that the handler has not set.
pub fn add(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.reserve(HEADERS.len() + 1);
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(value);
    }
    let caching = if headers.contains_key(header::ETAG) { REVALIDATE } else { DO_NOT_STORE };
    headers.entry(header::CACHE_CONTROL).or_insert(caching);
    response
}
