//! Compression of responses that gain from it.

use std::ops::ControlFlow;

use axum::{
    extract::Request,
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header},
    response::Response,
};
use tower_http::compression::{CompressionLayer, Predicate, predicate::SizeAbove};

use super::around::Middleware;
use crate::config::Config;

/// Beginnings of the content types that are sent as they are: streams would be held back, and the rest is
/// compressed already.
const UNCOMPRESSED: [&str; 11] = [
    "text/event-stream",
    "application/grpc",
    "image/",
    "audio/",
    "video/",
    "font/woff",
    "application/gzip",
    "application/pdf",
    "application/x-7z-compressed",
    "application/zip",
    "application/zstd",
];

/// Brotli, zstd or gzip, as the client prefers.
pub fn layer(config: &Config) -> CompressionLayer<impl Predicate + use<>> {
    let worth_it = SizeAbove::new(config.compression_min_bytes.into()).and(gains);
    CompressionLayer::new().compress_when(worth_it)
}

fn gains(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let content = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content.is_none_or(|content| {
        let is_one_of = |starts: &[&str]| starts.iter().any(|start| content.starts_with(start));
        // SVG is text.
        is_one_of(&["image/svg+xml", "application/grpc-web"]) || !is_one_of(&UNCOMPRESSED)
    })
}

/// Gives each coding of a response a separate strong `ETag`, because the bytes differ (RFC 9110,
/// 8.8.3.3): `"3"` is `"3-gzip"` in gzip. Handlers read and write plain tags.
#[derive(Clone, Copy)]
pub struct Tag;

impl Middleware for Tag {
    /// The tags of the client's copies.
    type Kept = String;

    fn before(&self, request: &mut Request) -> ControlFlow<Response, String> {
        let mut known = String::new();
        for (name, value) in request.headers_mut() {
            let conditional = [header::IF_MATCH, header::IF_NONE_MATCH].contains(name);
            let Some(tags) = value.to_str().ok().filter(|_| conditional) else {
                continue;
            };
            if name == header::IF_NONE_MATCH {
                known = format!("{known},{tags}");
            }
            *value = HeaderValue::try_from(plain(tags)).expect("a part of a value");
        }
        ControlFlow::Continue(known)
    }

    fn after(known: String, response: Response) -> Response {
        with_coding(&known, response)
    }
}

fn with_coding(known: &str, mut response: Response) -> Response {
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let tag = text(header::ETAG).and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"'));
    let unchanged = response.status() == StatusCode::NOT_MODIFIED;
    let coded = match (tag, text(header::CONTENT_ENCODING)) {
        (Some(tag), Some(coding)) => Some(format!("\"{tag}-{coding}\"")),
        // The client's copy may be in any coding.
        (Some(tag), None) if unchanged => known
            .split(',')
            .map(str::trim)
            .find(|known| plain(known) == format!("\"{tag}\""))
            .map(str::to_owned),
        _ => None,
    };
    if let Some(Ok(coded)) = coded.map(HeaderValue::try_from) {
        response.headers_mut().insert(header::ETAG, coded);
    }
    // As on the complete response (RFC 9110, 15.4.5).
    if unchanged && !response.headers().contains_key(header::VARY) {
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}

/// The tags without their codings.
fn plain(tags: &str) -> String {
    let strip = |tags: String, coding| tags.replace(&format!("-{coding}\""), "\"");
    ["br", "zstd", "gzip"].into_iter().fold(tags.to_owned(), strip)
}
