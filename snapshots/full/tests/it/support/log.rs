//! The log of this process, recorded for tests that read it.

use std::{
    io,
    sync::{LazyLock, Mutex},
};

use serde_json::Value;
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

use super::{
    DEFAULTS,
    service::{config::Config, telemetry::logs},
};

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Installs the logger and the panic hook once, for all tests: tracing caches whether a call site
/// is enabled, so that a test without a subscriber would disable it for the other tests.
pub fn install() {
    static INSTALLED: LazyLock<()> = LazyLock::new(|| {
        let settings = DEFAULTS.iter().chain(&[("LOG_FORMAT", "json")]).copied();
        let config = Config::load(settings.collect(), &[]).unwrap();
        let subscriber = tracing_subscriber::registry().with(logs::layer(&config, || Writer));
        let subscriber = subscriber.with(super::statements::watch());
        subscriber.init();
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            logs::panicked(info);
            default(info);
        }));
    });
    LazyLock::force(&INSTALLED);
}

/// Returns the line of `level` with this `request_id`.
pub fn find(request_id: &str, level: &str) -> Value {
    let mut lines = about(request_id).into_iter();
    lines
        .find(|line| line["level"] == level)
        .unwrap_or_else(|| panic!("no {level} about {request_id}"))
}

/// Returns all lines with this `request_id`.
pub fn about(request_id: &str) -> Vec<Value> {
    let bytes = LINES.lock().unwrap().clone();
    let lines = String::from_utf8(bytes).unwrap();
    // Tests run in parallel: most lines belong to other tests.
    let lines = lines.lines().filter(|line| line.contains(request_id));
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["request_id"] == request_id).collect()
}

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
