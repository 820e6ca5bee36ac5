//! What the daemon says about itself: logs to standard error or output, metrics and health over HTTP,
//! spans to a collector.
//!
//! Logs are text for people or JSON for machines. Sessions open, end and fail in the log; events
//! never appear there, nor a span for each.

pub(crate) mod calls;
mod families;
pub(crate) mod http;
pub(crate) mod metrics;
pub(crate) mod process;
mod traces;

use std::io::{self, IsTerminal as _};

use tracing::Metadata;
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{LevelFilter, filter_fn},
    fmt::{self, writer::BoxMakeWriter},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

pub use self::families::{Family, families};

use self::traces::Exporter;
use crate::{StartError, config};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Where log lines go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// Standard error.
    #[default]
    Stderr,
    /// Standard output, where those who run containers look.
    Stdout,
}

/// The span of a session, which logs show too.
pub(crate) const SESSION: &str = "session";

/// What was set up for the whole process.
pub struct Telemetry {
    exporter: Option<Exporter>,
}

impl Telemetry {
    /// Sets up logs, and spans where a collector is named, once for the whole process.
    ///
    /// # Errors
    ///
    /// A filter or a collector's address that cannot be read, or logging that was set up before.
    pub fn init(log: &config::Log, traces: &config::Traces) -> Result<Self, StartError> {
        let failed = |problem: String| StartError::Telemetry(problem);
        let filter = EnvFilter::try_new(&log.filter)
            .map_err(|error| failed(format!("filter {:?}: {error}", log.filter)))?;
        let unreadable = |error: tracing_subscriber::filter::ParseError| failed(error.to_string());
        let calls = format!("{}=off", calls::TARGET).parse().map_err(unreadable)?;
        let filter = filter.add_directive(calls);
        let exporter = Exporter::start(traces)?;
        // Time inside a span is not looked at: a session is entered with every batch.
        let spans = exporter.as_ref().map(|exporter| {
            tracing_opentelemetry::layer()
                .with_tracer(exporter.tracer())
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false)
                .with_context_activation(false)
                .with_filter(filter_fn(is_exported).with_max_level_hint(LevelFilter::INFO))
        });
        let (writer, in_colour) = match log.output {
            Output::Stderr => (BoxMakeWriter::new(io::stderr), io::stderr().is_terminal()),
            Output::Stdout => (BoxMakeWriter::new(io::stdout), io::stdout().is_terminal()),
        };
        let lines = fmt::layer().with_writer(writer).with_ansi(in_colour);
        let registry = tracing_subscriber::registry().with(spans);
        let set = match log.format {
            Format::Text => registry.with(lines.with_filter(filter)).try_init(),
            Format::Json => registry.with(lines.json().with_filter(filter)).try_init(),
        };
        set.map_err(|error| failed(error.to_string()))?;
        Ok(Self { exporter })
    }

    /// Sends the spans that wait, for two seconds at most. For when the daemon has ended.
    pub fn end(self) {
        if let Some(exporter) = self.exporter {
            exporter.end();
        }
    }
}

/// Spans of calls and of sessions; no lines of the log, which a session could gather without end.
fn is_exported(metadata: &Metadata<'_>) -> bool {
    let is_session = metadata.name() == SESSION && metadata.target().starts_with("spiked_server::");
    metadata.is_span() && (is_session || metadata.target() == calls::TARGET)
}
