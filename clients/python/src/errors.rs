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

/// A client's error as the exception that stands for it.
pub(crate) fn raised(python: Python<'_>, error: &Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::Refused(refusal) => {
            let raised = Refused::new_err(message);
            let reason = refusal.reason.as_str_name().trim_start_matches("REASON_");
            let value = raised.value(python);
            let retry_after = refusal.retry_after.map(|after| after.as_secs_f64());
            // An exception takes attributes.
            let _ = value.setattr("reason", reason);
            let _ = value.setattr("retry_after", retry_after);
            raised
        }
        Error::Unreachable { .. } | Error::Broken(_) | Error::Tls { .. } => {
            Disconnected::new_err(message)
        }
        _ => SpikedError::new_err(message),
    }
}

/// The same around a result.
pub(crate) trait OrRaise<T> {
    fn or_raise(self, python: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for Result<T, Error> {
    fn or_raise(self, python: Python<'_>) -> PyResult<T> {
        self.map_err(|error| raised(python, &error))
    }
}
