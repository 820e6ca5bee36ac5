//! The native half of the Python package `spiked`: sessions, recordings, and events as packed bytes.
//!
//! Python's half (`spiked/*.py`) gives them the shape that its users know: structured NumPy arrays,
//! context managers, iterators. Bytes cross between the two, in the layouts of `packed`; waiting
//! releases the interpreter and hears Ctrl-C.

mod client;
mod errors;
mod packed;
mod recording;
mod session;
mod steps;
mod waiting;

use pyo3::prelude::*;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<client::Client>()?;
    module.add_class::<session::Session>()?;
    module.add_class::<session::Ports>()?;
    module.add_class::<steps::Steps>()?;
    module.add_class::<recording::Recording>()?;
    errors::add_to(module)
}
