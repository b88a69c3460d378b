//! sec.headers: every response has the security headers, error responses included.

use crate::support::{TestApp, header, send};

#[tokio::test]
async fn every_response_has_the_security_headers() {
    let app = TestApp::with(&[("RATE_LIMIT_PER_MINUTE", "6"), ("REQUEST_TIMEOUT", "1s")]).await;
    let paths = [
        "/health/live",
        "/api/v1/info",
        "/static/favicon.svg",
        "/docs/",
        "/test/panic",
        "/test/never",
        "/nothing",
        "/api/v1/info",
    ];
    let mut statuses = Vec::new();
    for path in paths {
        let response = send(app.get(path)).await;
        statuses.push(response.status().as_u16());
        assert!(header(&response, "strict-transport-security").contains("max-age=63072000"));
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "x-frame-options"), "DENY");
        assert_eq!(header(&response, "x-xss-protection"), "0");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
        assert_eq!(header(&response, "cross-origin-opener-policy"), "same-origin");
        assert_eq!(header(&response, "cross-origin-resource-policy"), "same-origin");
        assert!(header(&response, "permissions-policy").contains("camera=()"));
        assert!(header(&response, "content-security-policy").starts_with("default-src 'none'"));
        assert!(header(&response, "x-request-id").len() > 30);
        assert!(!response.headers().contains_key("server"), "{path}");
    }
    assert_eq!(statuses, [200, 200, 200, 200, 500, 504, 404, 429]);
}

#[tokio::test]
async fn the_api_loads_nothing_and_the_page_only_from_its_origin() {
    let app = TestApp::start().await;
    let api = send(app.get("/api/v1/info")).await;
    let strict = "default-src 'none'; frame-ancestors 'none'";
    assert_eq!(header(&api, "content-security-policy"), strict);
    assert_eq!(header(&api, "cache-control"), "no-store");
    // `no-store` would forbid what an `ETag` is for.
    let version = send(app.get("/test/version")).await;
    assert_eq!(header(&version, "cache-control"), "private, no-cache");
    let page = send(app.get("/docs/")).await;
    assert!(header(&page, "content-security-policy").contains("script-src 'self';"));
    assert!(!header(&page, "content-security-policy").contains("http"));
}
