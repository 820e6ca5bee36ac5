//! The native half of the Python package `spiked`: sessions, recordings, and events as packed bytes.
//!
//! Python's half (`spiked/*.py`) gives them the shape that its users know: structured NumPy arrays,
//! context managers, iterators, for blocking programs and for event loops. Bytes cross between the two,
//! in the layouts of `packed`. Nothing here waits but `pending`, which both kinds of programs share.

mod bridge;
mod client;
mod connections;
mod errors;
mod flow;
mod input;
mod options;
mod orphan;
mod packed;
mod pending;
mod portion;
mod ports;
mod reading;
mod recording;
mod samples;
mod session;
mod shared;
mod steps;
mod tasks;
mod touch;
mod watch;

use pyo3::prelude::*;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<bridge::Bridge>()?;
    module.add_class::<client::Client>()?;
    module.add_class::<input::Input>()?;
    module.add_class::<pending::Pending>()?;
    module.add_class::<ports::Ports>()?;
    module.add_class::<recording::Recording>()?;
    module.add_class::<samples::Samples>()?;
    module.add_class::<session::Session>()?;
    module.add_class::<steps::Steps>()?;
    module.add_class::<touch::TouchRecording>()?;
    module.add_class::<watch::Watch>()?;
    module.add_function(wrap_pyfunction!(recording::holds, module)?)?;
    module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
    errors::add_to(module)
}
