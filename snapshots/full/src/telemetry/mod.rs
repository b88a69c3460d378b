//! Logs, metrics and traces.

#[cfg(feature = "heap-profile")]
pub mod heap;
pub mod logs;
pub mod metrics;
pub mod request;
pub mod statements;
pub mod traces;

use std::time::Duration;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::{Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{config::Config, error::Cause};

/// The exporters. Flush them before the process ends.
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    /// Dropping it writes the lines that wait.
    _stdout: logs::Stdout,
}

/// Starts logs, and traces where a collector is configured.
///
/// Must be called outside of the runtime: the client of the exporter blocks its thread.
///
/// # Errors
/// The exporter cannot be built from its settings. A collector that is down is not an error.
pub fn init(config: &Config) -> Result<Telemetry, Cause> {
    let traces = traces::provider(config)?;
    let (lines, stdout) = logs::stdout();
    // No layer rather than `None`, which would have every span made.
    let spans = traces.as_ref().map(|provider| traces::layer(provider).boxed());
    let layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = [
        Some(logs::layer(config, lines)),
        traces.as_ref().map(|provider| statements::layer(provider).boxed()),
        spans,
    ]
    .into_iter()
    .flatten()
    .collect();
    tracing_subscriber::registry().with(layers).init();
    std::panic::set_hook(Box::new(logs::panicked));
    Ok(Telemetry { traces, _stdout: stdout })
}

impl Telemetry {
    /// Exports the remaining traces; gives up after `within`.
    pub fn flush(&mut self, within: Duration) {
        if let Some(Err(error)) =
            self.traces.take().map(|traces| traces.shutdown_with_timeout(within))
        {
            tracing::warn!(%error, "some traces were not exported");
        }
    }
}
