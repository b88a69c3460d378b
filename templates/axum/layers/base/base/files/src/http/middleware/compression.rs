//! Compression of responses that gain from it.

use tower_http::compression::{
    CompressionLayer, Predicate,
    predicate::{NotForContentType, SizeAbove},
};

use crate::config::Config;

/// Brotli, zstd or gzip, as the client prefers.
pub fn layer(config: &Config) -> CompressionLayer<impl Predicate + use<>> {
    // Streams would be held back; the rest is compressed already.
    let worth_it = SizeAbove::new(config.compression_min_bytes.into())
        .and(NotForContentType::SSE)
        .and(NotForContentType::GRPC)
        // All but SVG, which is text.
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("audio/"))
        .and(NotForContentType::const_new("video/"))
        .and(NotForContentType::const_new("font/woff"))
        .and(NotForContentType::const_new("application/gzip"))
        .and(NotForContentType::const_new("application/pdf"))
        .and(NotForContentType::const_new("application/x-7z-compressed"))
        .and(NotForContentType::const_new("application/zip"))
        .and(NotForContentType::const_new("application/zstd"));
    CompressionLayer::new().compress_when(worth_it)
}
