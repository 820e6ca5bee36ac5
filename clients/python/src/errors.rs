//! What can go wrong, as exceptions.

use pyo3::{create_exception, exceptions::PyException, prelude::*};
use spiked_client::Error;

create_exception!(
    spiked,
    SpikedError,
    PyException,
    "Whatever can go wrong with a daemon or a file."
);
create_exception!(
    spiked,
    Refused,
    SpikedError,
    "The daemon refused. `reason` is its published name, such as 'NETWORK_UNKNOWN'; `retry_after` the \
     seconds after which the same may succeed, or None."
);
create_exception!(spiked, Disconnected, SpikedError, "No daemon answers, or the connection broke.");
create_exception!(
    spiked,
    InvalidRecording,
    SpikedError,
    "A recording that cannot be opened or read on."
);
create_exception!(
    spiked,
    OutputUnread,
    SpikedError,
    "So much output waits to be read that no more is taken: read the session while feeding it."
);

pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let python = module.py();
    module.add("SpikedError", python.get_type::<SpikedError>())?;
    module.add("Refused", python.get_type::<Refused>())?;
    module.add("Disconnected", python.get_type::<Disconnected>())?;
    module.add("InvalidRecording", python.get_type::<InvalidRecording>())?;
    module.add("OutputUnread", python.get_type::<OutputUnread>())
}

/// A client's error, to be raised later and perhaps more than once.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    Refused { message: String, reason: &'static str, retry_after_s: Option<f64> },
    Disconnected(String),
    Other(String),
}

impl Failure {
    pub(crate) fn of(error: &Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Refused(refusal) => Self::Refused {
                message,
                reason: refusal.reason.as_str_name().trim_start_matches("REASON_"),
                retry_after_s: refusal.retry_after.map(|after| after.as_secs_f64()),
            },
            Error::Unreachable { .. } | Error::Broken(_) | Error::Tls { .. } => {
                Self::Disconnected(message)
            }
            _ => Self::Other(message),
        }
    }

    /// As the exception that stands for it.
    pub(crate) fn raised(self, python: Python<'_>) -> PyErr {
        match self {
            Self::Refused { message, reason, retry_after_s } => {
                let raised = Refused::new_err(message);
                let value = raised.value(python);
                // An exception takes attributes.
                let _ = value.setattr("reason", reason);
                let _ = value.setattr("retry_after", retry_after_s);
                raised
            }
            Self::Disconnected(message) => Disconnected::new_err(message),
            Self::Other(message) => SpikedError::new_err(message),
        }
    }
}

/// The same around a result.
pub(crate) trait OrRaise<T> {
    fn or_raise(self, python: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for Result<T, Error> {
    fn or_raise(self, python: Python<'_>) -> PyResult<T> {
        self.map_err(|error| Failure::of(&error).raised(python))
    }
}
