//! Headers that restrict what a browser does with a response.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::Response,
};

const HEADERS: [(HeaderName, &str); 9] = [
    (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Attackers could turn the old filter against the page.
    (header::X_XSS_PROTECTION, "0"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// For a response without a version.
const DO_NOT_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// For one with an `ETag`: the client may keep it, and asks each time whether it is current.
const REVALIDATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Adds each header that the handler has not set.
pub fn add(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.reserve(HEADERS.len() + 1);
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    let caching = if headers.contains_key(header::ETAG) { REVALIDATE } else { DO_NOT_STORE };
    headers.entry(header::CACHE_CONTROL).or_insert(caching);
    response
}
