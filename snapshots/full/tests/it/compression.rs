//! perf.compression: responses are compressed where that saves bytes.

use crate::support::{TestApp, header, problem, send};

#[tokio::test]
async fn the_client_chooses_the_encoding() {
    let app = TestApp::start().await;
    for encoding in ["br", "zstd", "gzip"] {
        let request = app.get("/test/bytes/5000/text.plain").header("accept-encoding", encoding);
        let response = send(request).await;
        assert_eq!(header(&response, "content-encoding"), encoding);
        assert!(header(&response, "vary").contains("accept-encoding"));
        assert!(response.bytes().await.unwrap().len() < 1000);
    }
    let plain = send(app.get("/test/bytes/5000/text.plain")).await;
    assert!(!plain.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn the_page_and_the_description_of_the_api_are_compressed() {
    let app = TestApp::start().await;
    for path in ["/docs/swagger-ui-bundle.js", "/api-docs/openapi.json"] {
        for encoding in ["br", "zstd", "gzip"] {
            let response = send(app.get(path).header("accept-encoding", encoding)).await;
            assert_eq!(header(&response, "content-encoding"), encoding, "{path}");
        }
    }
}

#[tokio::test]
async fn small_streamed_and_compressed_responses_are_not_compressed() {
    let app = TestApp::start().await;
    for path in [
        "/test/bytes/999/text.plain",
        "/test/bytes/5000/text.event-stream",
        "/test/bytes/5000/image.png",
        "/test/bytes/5000/application.zip",
        "/test/bytes/5000/image.avif",
        "/test/bytes/5000/application.pdf",
        "/test/bytes/5000/video.mp4",
    ] {
        let response = send(app.get(path).header("accept-encoding", "br, zstd, gzip")).await;
        assert!(!response.headers().contains_key("content-encoding"), "{path}");
    }
}

/// An encoder that waited with its response would take megabytes for each slow client.
#[tokio::test]
async fn a_response_is_compressed_before_it_waits_for_its_client() {
    let app = TestApp::start().await;
    for encoding in ["br", "zstd", "gzip"] {
        let request = app.get("/test/bytes/50000/text.plain").header("accept-encoding", encoding);
        let response = send(request).await;
        assert_eq!(header(&response, "content-encoding"), encoding);
        let size: usize = header(&response, "content-length").parse().expect("it is complete");
        assert_eq!(response.bytes().await.unwrap().len(), size);
    }
}

/// Bytes that differ need strong tags that differ; conditional requests take either.
#[tokio::test]
async fn each_encoding_has_a_separate_etag() {
    let app = TestApp::start().await;
    let get = || app.get("/test/version");
    let plain = send(get()).await;
    assert_eq!(header(&plain, "etag"), "\"3\"");
    for encoding in ["br", "zstd", "gzip"] {
        let response = send(get().header("accept-encoding", encoding)).await;
        let tag = format!("\"3-{encoding}\"");
        assert_eq!(header(&response, "etag"), tag);
        let list = format!("\"2-{encoding}\", {tag}");
        let listed = send(get().header("if-match", list)).await;
        assert_eq!(header(&listed, "x-if-match"), "\"2\", \"3\"");
        let unchanged = send(get().header("if-none-match", &tag)).await;
        assert_eq!((unchanged.status().as_u16(), header(&unchanged, "etag")), (304, &*tag));
    }
    let unchanged = send(get().header("if-none-match", "\"3\"")).await;
    assert_eq!((unchanged.status().as_u16(), header(&unchanged, "etag")), (304, "\"3\""));
}

/// RFC 9110, 9.3.2.
#[tokio::test]
async fn head_has_the_headers_of_get() {
    let app = TestApp::start().await;
    for path in [
        "/test/version",
        "/test/bytes/999/text.plain",
        "/test/bytes/50000/text.plain",
        "/api/v1/info",
        "/docs/index.html",
        "/static/favicon.svg",
        "/nothing",
    ] {
        for encoding in ["identity", "gzip"] {
            let answer = async |method| {
                let request = app.request(method, path).header("accept-encoding", encoding);
                let mut response = send(request).await;
                let headers = response.headers_mut();
                // The headers of one request, and the framing of a body.
                for own in ["date", "x-request-id", "ratelimit", "transfer-encoding"] {
                    headers.remove(own);
                }
                (response.status(), response.headers().clone())
            };
            assert_eq!(answer("HEAD").await, answer("GET").await, "{path} {encoding}");
        }
    }
}

/// tower-http answers 406 only after the handler has run, and replaces any other status.
#[tokio::test]
async fn a_client_that_accepts_no_encoding_is_refused_before_the_handler_runs() {
    let app = TestApp::start().await;
    let refuse = |path: &str| app.get(path).header("accept-encoding", "identity;q=0");
    problem(refuse("/nothing"), 406).await;
    problem(refuse("/test/gate"), 406).await;
    assert!(!app.gate.was_entered());
}
