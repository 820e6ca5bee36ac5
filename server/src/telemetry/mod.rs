//! What the daemon says about itself: logs to standard error, metrics and health over HTTP.
//!
//! Logs are text for people or JSON for machines. Sessions open, end and fail in the log; events
//! never appear there, nor a span for each.

mod families;
pub(crate) mod http;
pub(crate) mod metrics;
pub(crate) mod process;

use std::io::IsTerminal as _;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

pub use self::families::{Family, families};

use crate::StartError;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Sets up logging for the whole process, once.
///
/// `filter` is written like `info` or `info,spiked_server=debug`.
///
/// # Errors
///
/// A filter that cannot be read, or logging that was set up before.
pub fn init(format: Format, filter: &str) -> Result<(), StartError> {
    let failed = |problem: String| StartError::Telemetry(problem);
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| failed(format!("filter {filter:?}: {error}")))?;
    let in_colour = std::io::stderr().is_terminal();
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(in_colour);
    let registry = tracing_subscriber::registry().with(filter);
    let set = match format {
        Format::Text => registry.with(lines).try_init(),
        Format::Json => registry.with(lines.json()).try_init(),
    };
    set.map_err(|error| failed(error.to_string()))
}
