//! mon.tracing: linked spans reach a collector, and its failures do not affect the service.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, body::Bytes, extract::State, routing::post};
use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    trace::v1::{Span, span::SpanKind},
};
use prost::Message;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};
use tokio_rustls::TlsAcceptor;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{
    Process, TestApp, certificates::Certificates, free_port, send, service::telemetry::traces,
    spans,
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// Starts an OpenTelemetry collector; returns its URL and the spans that it receives.
async fn collector() -> (String, UnboundedReceiver<Span>) {
    async fn take(State(spans): State<UnboundedSender<Span>>, body: Bytes) {
        let export = ExportTraceServiceRequest::decode(body).unwrap();
        let scopes = export.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).for_each(|span| spans.send(span).unwrap());
    }
    let (sender, receiver) = unbounded_channel();
    let app = Router::new().route("/v1/traces", post(take)).with_state(sender);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async {
        axum_server::Server::<SocketAddr>::from_listener(listener)
            .serve(app.into_make_service())
            .await
    });
    (url, receiver)
}

/// The same collector behind TLS; returns its URL.
async fn behind_tls(collector: &str, files: &Certificates) -> String {
    let to = collector.trim_start_matches("http://").to_owned();
    let certificate = CertificateDer::from_pem_file(files.certificate()).unwrap();
    let key = PrivateKeyDer::from_pem_file(files.key()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            // Fails where the client does not trust the certificate.
            if let Ok(mut client) = TlsAcceptor::from(config.clone()).accept(client).await {
                let mut server = TcpStream::connect(&to).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        }
    });
    url
}

/// The spans of requests; parts of requests have others.
fn requests(spans: &mut UnboundedReceiver<Span>) -> Vec<Span> {
    let all = std::iter::from_fn(|| spans.try_recv().ok());
    all.filter(|span| span.kind() == SpanKind::Server).collect()
}

fn traceparent(sampled: &str) -> String {
    format!("00-{TRACE}-{PARENT}-{sampled}")
}

/// Batches wait for an hour, so that only the flush at shutdown exports spans.
fn settings(collector: &str) -> Vec<(&str, &str)> {
    vec![("OTEL_EXPORTER_OTLP_ENDPOINT", collector), ("OTEL_BSP_SCHEDULE_DELAY", "3600000")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_in_the_trace_of_its_caller() {
    let (collector, mut spans) = collector().await;
    let mut service = Process::start(&settings(&collector)).await;
    let request = service.get("/api/v1/info").header("traceparent", traceparent("01"));
    send(request.header("x-request-id", "traced")).await;
    assert_eq!(service.log_of("traced").await["trace_id"], TRACE);
    service.signal("TERM").await;
    assert_eq!(service.ended().await.0, Some(0));

    let span = requests(&mut spans).pop().unwrap();
    assert_eq!(span.name, "GET /api/v1/info");
    let trace = TraceId::from_bytes(span.trace_id[..].try_into().unwrap());
    let parent = SpanId::from_bytes(span.parent_span_id[..].try_into().unwrap());
    assert_eq!((trace.to_string(), parent.to_string()), (TRACE.to_owned(), PARENT.to_owned()));
    let keys: Vec<_> = span.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    for key in ["http.request.method", "http.route", "http.response.status_code", "client.address"]
    {
        assert!(keys.contains(&key), "{key} is not in {keys:?}");
    }
}

/// The flag, and an id that a sampler by ratio takes always, are the caller's to choose.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_can_force_sampling_only_where_callers_decide() {
    let low = format!("00-{:032x}-{PARENT}-01", 1);
    for (sampler, expected) in [("traceidratio", 0), ("parentbased_traceidratio", 2)] {
        let (collector, mut spans) = collector().await;
        let mut settings = settings(&collector);
        // Of random ids, none in a thousand years.
        settings.extend([("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", "1e-15")]);
        let service = Process::start(&settings).await;
        send(service.get("/health/live")).await;
        for caller in [&traceparent("01"), &low] {
            send(service.get("/api/v1/info").header("traceparent", caller)).await;
        }
        service.signal("TERM").await;
        service.ended().await;
        assert_eq!(requests(&mut spans).len(), expected, "{sampler}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_is_reached_over_tls_and_only_with_a_certificate_that_is_trusted() {
    let files = Certificates::new().await;
    let authority = files.authority();
    for trusted in [true, false] {
        let (collector, mut spans) = collector().await;
        let collector = behind_tls(&collector, &files).await;
        let mut settings = settings(&collector);
        if trusted {
            settings.push(("SSL_CERT_FILE", &authority));
        }
        let service = Process::start(&settings).await;
        send(service.get("/api/v1/info")).await;
        service.signal("TERM").await;
        assert_eq!(service.ended().await.0, Some(0));
        assert_eq!(spans.try_recv().is_ok(), trusted);
    }
}

#[tokio::test]
async fn a_collector_that_is_down_does_not_affect_requests() {
    let unused = free_port();
    let url = format!("http://{}", unused.local_addr().unwrap());
    let service = Process::start(&settings(&url)).await;
    for _ in 0..50 {
        assert_eq!(send(service.get("/api/v1/info")).await.status(), 200);
    }
    service.signal("TERM").await;
    assert_eq!(service.ended().await.0, Some(0));
}

#[tokio::test]
async fn a_collector_that_hangs_does_not_delay_shutdown() {
    // Accepts connections and never responds.
    let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", hangs.local_addr().unwrap());
    let mut settings = settings(&url);
    settings.extend([("SHUTDOWN_GRACE", "1h"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000")]);
    let service = Process::start(&settings).await;
    send(service.get("/api/v1/info")).await;
    service.signal("TERM").await;
    let (code, log) = service.ended().await;
    assert_eq!(code, Some(0));
    assert_eq!(log.last().unwrap()["message"], "stopped");
}

#[tokio::test]
async fn an_outbound_call_continues_the_trace() {
    let app = TestApp::with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")]).await;
    let (provider, mut spans) = spans::record();
    let layer = traces::layer(&provider);
    // The runtime of this test has one thread, so the subscriber sees every request.
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let request = app.get("/test/outbound").header("traceparent", traceparent("01"));
    let sent = send(request).await.text().await.unwrap();
    assert!(sent.starts_with(&format!("00-{TRACE}-")), "{sent}");
    let span = spans::named(&mut spans, "GET /test/outbound").await;
    assert!(sent.contains(&span.span_context.span_id().to_string()), "{sent}");
}

#[tokio::test]
async fn without_tracing_the_trace_context_of_the_caller_is_forwarded() {
    let app = TestApp::start().await;
    let request = app.get("/test/outbound").header("traceparent", traceparent("00"));
    assert_eq!(send(request).await.text().await.unwrap(), traceparent("00"));
    let garbage = app.get("/test/outbound").header("traceparent", "garbage");
    assert_eq!(send(garbage).await.text().await.unwrap(), "");
    assert_eq!(send(app.get("/test/outbound")).await.text().await.unwrap(), "");
}
