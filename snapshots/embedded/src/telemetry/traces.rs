//! Traces: OpenTelemetry over OTLP/HTTP, off unless a collector is configured.

use std::{collections::HashMap, net::IpAddr};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::USER_AGENT},
};
use opentelemetry::{
    Context, KeyValue,
    propagation::TextMapPropagator,
    trace::{Link, SpanKind, TraceContextExt, TraceId, TracerProvider},
};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{
        IdGenerator, RandomIdGenerator, Sampler, SamplingResult, SdkTracerProvider, ShouldSample,
    },
};
use secrecy::ExposeSecret;
use tracing::{Level, Span, Subscriber, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};
use uuid::Uuid;

use super::request::{self, Current};
use crate::{
    config::{BUILD, Config, OtelTracesSampler},
    error::Cause,
};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Exports spans in batches from a separate thread; `None` without a collector.
///
/// # Errors
/// The exporter cannot be built from its settings.
pub fn provider(config: &Config) -> Result<Option<SdkTracerProvider>, Cause> {
    let Some(collector) = &config.otel_exporter_otlp_endpoint else {
        return Ok(None);
    };
    let endpoint = format!("{}/v1/traces", collector.as_str().trim_end_matches('/'));
    let headers = config.otel_exporter_otlp_headers.as_ref();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(endpoint)
        .with_headers(headers.map_or_else(HashMap::new, |text| pairs(text.expose_secret())))
        .build()?;

    let resource = Resource::builder()
        .with_service_name(config.otel_service_name.clone())
        .with_attribute(KeyValue::new("service.version", BUILD.version))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(SampleRequests::new(config))
        .with_resource(resource)
        .build();
    Ok(Some(provider))
}

/// Decides for each request whether its spans are exported.
#[derive(Clone, Debug)]
struct SampleRequests {
    /// For requests whose caller has decided nothing, or is not asked.
    own: Sampler,
    /// The same below the decision of a parent.
    inherited: Sampler,
    /// Whether the decision of the caller is kept.
    caller_decides: bool,
}

impl SampleRequests {
    fn new(config: &Config) -> Self {
        let ratio = Sampler::TraceIdRatioBased(config.otel_traces_sampler_arg);
        let (own, caller_decides) = match config.otel_traces_sampler {
            OtelTracesSampler::AlwaysOn => (Sampler::AlwaysOn, false),
            OtelTracesSampler::AlwaysOff => (Sampler::AlwaysOff, false),
            OtelTracesSampler::Traceidratio => (ratio, false),
            OtelTracesSampler::ParentbasedAlwaysOn => (Sampler::AlwaysOn, true),
            OtelTracesSampler::ParentbasedAlwaysOff => (Sampler::AlwaysOff, true),
            OtelTracesSampler::ParentbasedTraceidratio => (ratio, true),
        };
        let inherited = Sampler::ParentBased(Box::new(own.clone()));
        Self { own, inherited, caller_decides }
    }
}

impl ShouldSample for SampleRequests {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let caller = parent.is_some_and(|parent| parent.span().span_context().is_remote());
        let sampler = if caller && !self.caller_decides { &self.own } else { &self.inherited };
        // A caller could choose an id that is always sampled, too.
        let drawn_by = if caller { RandomIdGenerator::default().new_trace_id() } else { trace_id };
        sampler.should_sample(parent, drawn_by, name, kind, attributes, links)
    }
}

/// Hands spans to `provider`. Events stay in the logs.
pub fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let tracer = provider.tracer(env!("CARGO_PKG_NAME"));
    let spans = filter_fn(|meta| meta.is_span() && *meta.level() <= Level::INFO);
    tracing_opentelemetry::layer().with_tracer(tracer).with_filter(spans)
}

/// The span of a request from `client`, child of its caller's. Attributes have the names of
/// OpenTelemetry's semantic conventions. The query is left out: clients put secrets there.
pub fn span(request: &Request, client: IpAddr) -> Span {
    let method = request::method(request.method());
    let original = request.method().as_str();
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let verb = if method == original { method } else { "HTTP" };
    let agent = request.headers().get(USER_AGENT).map(HeaderValue::as_bytes);
    let span = tracing::info_span!(
        "request",
        otel.name = route.map_or_else(|| verb.to_owned(), |route| format!("{verb} {route}")),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.request.method_original = (method != original).then_some(original),
        http.route = route,
        http.response.status_code = Empty,
        url.scheme = "http",
        url.path = request.uri().path(),
        client.address = %client,
        user_agent.original = agent.map(String::from_utf8_lossy).as_deref(),
        user.id = Empty,
        "error.type" = Empty,
    );
    let caller = TraceContextPropagator::new().extract(&HeaderExtractor(request.headers()));
    // Fails only where no layer exports spans.
    let _ = span.set_parent(caller);
    span
}

/// Records the status of the response, and the account of the caller.
pub fn finish(span: &Span, status: StatusCode, account: Option<Uuid>) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", status.as_str());
    }
    if let Some(account) = account {
        span.record("user.id", tracing::field::display(account));
    }
}

/// The trace that `span` belongs to.
pub fn trace_id(span: &Span) -> TraceId {
    span.context().span().span_context().trace_id()
}

/// The caller's trace context, to be passed on whole: empty where it cannot be parsed.
pub fn context(headers: &HeaderMap) -> (Option<TraceId>, HeaderMap) {
    let traceparent = headers.get(TRACEPARENT);
    let Some(id) = traceparent.and_then(parse_trace_id) else {
        return (None, HeaderMap::new());
    };
    let kept = headers.iter().filter(|(name, _)| [&TRACEPARENT, &TRACESTATE].contains(name));
    (Some(id), kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// The trace id of a `traceparent` header; `None` where it is malformed (W3C Trace Context, 3.2).
fn parse_trace_id(traceparent: &HeaderValue) -> Option<TraceId> {
    let mut parts = traceparent.to_str().ok()?.split('-');
    let mut hex = |digits: usize| {
        let part = parts.next().filter(|part| part.len() == digits)?;
        part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).then_some(part)
    };
    let (version, trace, parent, _flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
    let valid = version == "00" && parts.next().is_none() && parent.bytes().any(|b| b != b'0');
    TraceId::from_hex(trace).ok().filter(|id| valid && *id != TraceId::INVALID)
}

/// Adds the running trace to the headers of an outbound call.
pub fn inject(headers: &mut HeaderMap) {
    TraceContextPropagator::new()
        .inject_context(&Span::current().context(), &mut HeaderInjector(headers));
    if !headers.contains_key(TRACEPARENT) {
        // Tracing is off: the caller's context is passed on, so that its trace has no gap.
        headers.extend(Current::with(|request| request.trace_context.clone()).unwrap_or_default());
    }
}

fn pairs(text: &str) -> HashMap<String, String> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_trace_context_is_dropped() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let read = |text: &str| parse_trace_id(&HeaderValue::from_str(text).unwrap());
        let good = format!("00-{trace}-b7ad6b7169203331-01");
        assert_eq!(read(&good).unwrap().to_string(), trace);
        for bad in [
            "",
            "garbage",
            &format!("ff-{trace}-b7ad6b7169203331-01"),
            &format!("00-{trace}-0000000000000000-01"),
            &format!("00-{trace}-b7ad6b7169203331"),
            &format!("{good}-more"),
            &good.to_uppercase(),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
