//! Logs: one JSON object a line, or one pretty line at a terminal.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    fmt,
    io::{self, BufWriter, IsTerminal, Write},
    panic::PanicHookInfo,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use serde::ser::{SerializeMap, Serializer};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    Layer,
    filter::{FilterExt, Targets, filter_fn},
    fmt::{
        FmtContext, FormatEvent, FormatFields, MakeWriter,
        format::{Format, Full, Writer},
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

use super::request::{Current, route};
use crate::config::{Config, LogFormat};

/// Lines that may wait for a reader of stdout that stalls. Further ones are dropped and counted: a
/// line is worth less than the request that it is about.
const WAITING_LINES: usize = 8192;

/// Pause after each write. Lines of that time go out in one write, which wakes the thread once.
const BATCH: Duration = Duration::from_millis(5);

/// Time for the lines that wait when the process ends.
const FLUSH: Duration = Duration::from_millis(1500);

static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

/// Lines that stdout has refused, as where it is a full disk.
static UNWRITTEN: AtomicU64 = AtomicU64::new(0);

/// The thread that writes to stdout. Dropping it writes the lines that wait, within [`FLUSH`].
pub struct Stdout(Option<WorkerGuard>);

/// A writer to stdout that blocks no caller, and its thread.
pub fn stdout() -> (NonBlocking, Stdout) {
    let (lines, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .lossy(true)
        .finish(Batched(BufWriter::new(io::stdout())));
    DROPPED.get_or_init(|| lines.error_counter());
    (lines, Stdout(Some(guard)))
}

/// The writing end: tracing-appender flushes it when no line waits.
struct Batched(BufWriter<io::Stdout>);

impl Write for Batched {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A line. tracing-appender would ignore the error.
        self.0.write(bytes).or_else(|_| {
            UNWRITTEN.fetch_add(1, Ordering::Relaxed);
            Ok(bytes.len())
        })
    }

    #[expect(clippy::disallowed_methods, reason = "in the thread of the writer")]
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()?;
        thread::sleep(BATCH);
        Ok(())
    }
}

impl Drop for Stdout {
    fn drop(&mut self) {
        let guard = self.0.take();
        let (done, wait) = mpsc::channel();
        // Where stdout stalls, the guard of tracing-appender 0.2 reports that to stdout, for ever.
        thread::spawn(move || {
            drop(guard);
            let _ = done.send(());
        });
        let _ = wait.recv_timeout(FLUSH);
    }
}

/// Lines that were dropped so far.
pub fn dropped() -> u64 {
    let dropped = DROPPED.get().map_or(0, |dropped| dropped.dropped_lines() as u64);
    dropped + UNWRITTEN.load(Ordering::Relaxed)
}

/// Writes the events that `RUST_LOG` selects.
pub fn layer<S, W>(config: &Config, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let levels: Targets = config.rust_log.parse().expect("checked by Config::load");
    // Lines have the ids of their request; spans are for the traces alone.
    let filter = levels.and(filter_fn(|meta| !meta.is_span()));
    let terminal = io::stdout().is_terminal();
    let pretty = match config.log_format {
        LogFormat::Auto => terminal,
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(pretty && terminal);
    if pretty {
        layer.event_format(Pretty(Format::default().with_target(false))).with_filter(filter).boxed()
    } else {
        layer.event_format(Json).with_filter(filter).boxed()
    }
}

/// Panic hook: logs a panic with the request that it happened in.
pub fn panicked(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("no message");
    let location = info.location().map(ToString::to_string);
    // With `RUST_BACKTRACE=1`.
    let backtrace = Backtrace::capture();
    let captured = backtrace.status() == BacktraceStatus::Captured;
    let backtrace = captured.then(|| backtrace.to_string());
    tracing::error!(location, backtrace, "panic: {message}");
}

/// `{"timestamp":…,"level":…,"target":…,"request_id":…,"trace_id":…,"route":…,"message":…, fields…}`
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let line = to_json(event).map_err(|_| fmt::Error)?;
        writer.write_str(&line)?;
        writer.write_char('\n')
    }
}

fn to_json(event: &Event<'_>) -> serde_json::Result<String> {
    let mut timestamp = String::with_capacity(32);
    // Cannot fail: the target is a string.
    let _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));

    let mut line = Vec::with_capacity(256);
    let mut json = serde_json::Serializer::new(&mut line);
    let mut map = json.serialize_map(None)?;
    map.serialize_entry("timestamp", &timestamp)?;
    map.serialize_entry("level", event.metadata().level().as_str())?;
    map.serialize_entry("target", event.metadata().target())?;
    let mut text = String::with_capacity(64);
    Current::with(|request| {
        map.serialize_entry("request_id", request.id_str())?;
        map.serialize_entry("trace_id", written(&mut text, format_args!("{}", request.trace_id)))?;
        map.serialize_entry("route", route(request.route.as_ref()))
    })
    .unwrap_or(Ok(()))?;
    let mut fields = Fields { map, text, outcome: Ok(()) };
    event.record(&mut fields);
    fields.outcome?;
    fields.map.end()?;
    Ok(String::from_utf8(line).expect("serde_json writes UTF-8"))
}

/// The text of a value; `serde_json` would escape each of its pieces.
fn written<'a>(text: &'a mut String, value: fmt::Arguments<'_>) -> &'a str {
    text.clear();
    // A string takes any text.
    let _ = fmt::Write::write_fmt(text, value);
    text
}

struct Fields<M: SerializeMap> {
    map: M,
    text: String,
    outcome: Result<(), M::Error>,
}

impl<M: SerializeMap> Fields<M> {
    fn put(&mut self, field: &Field, value: impl serde::Serialize) {
        if self.outcome.is_ok() {
            self.outcome = self.map.serialize_entry(field.name(), &value);
        }
    }
}

impl<M: SerializeMap> Visit for Fields<M> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.outcome.is_ok() {
            let value = written(&mut self.text, format_args!("{value:?}"));
            self.outcome = self.map.serialize_entry(field.name(), value);
        }
    }
}

/// The usual line, followed by the request that it belongs to.
struct Pretty(Format<Full, SystemTime>);

impl<S, N> FormatEvent<S, N> for Pretty
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(line.trim_end())?;
        Current::with(|request| {
            let route = route(request.route.as_ref());
            let (id, trace_id) = (request.id_str(), request.trace_id);
            write!(writer, " request_id={id} trace_id={trace_id} route={route}")
        })
        .unwrap_or(Ok(()))?;
        writer.write_char('\n')
    }
}
