//! The spans of this process, recorded for tests that read them.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

#[derive(Debug)]
struct Sender(UnboundedSender<SpanData>);

impl SpanProcessor for Sender {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        let _ = self.0.send(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Waits for the span of this name, and returns it.
pub async fn named(spans: &mut UnboundedReceiver<SpanData>, name: &str) -> SpanData {
    loop {
        let span = spans.recv().await.expect("the provider lives");
        if span.name == name {
            return span;
        }
    }
}

/// A provider of traces, and the spans that have ended.
pub fn record() -> (SdkTracerProvider, UnboundedReceiver<SpanData>) {
    let (sender, receiver) = unbounded_channel();
    (SdkTracerProvider::builder().with_span_processor(Sender(sender)).build(), receiver)
}
