//! What a session's opening told: names, shapes, the length of a tick.

use std::sync::Arc;

use pyo3::{prelude::*, types::PyBytes};
use spiked_client::{Tables, v1};

/// The tables of a session, as Python reads them.
#[pyclass(module = "spiked._native")]
pub(crate) struct Ports(pub(crate) Arc<Tables>);

#[pymethods]
impl Ports {
    #[getter]
    fn session_id(&self) -> &str {
        &self.0.session_id
    }

    #[getter]
    fn network(&self) -> (String, String) {
        (self.0.network.clone(), self.0.network_version.clone())
    }

    #[getter]
    fn tick_ns(&self) -> u64 {
        self.0.tick_ns
    }

    #[getter]
    fn plan_sha256<'py>(&self, python: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(python, &self.0.plan_sha256)
    }

    /// The next output position at opening.
    #[getter]
    fn output_position(&self) -> u64 {
        self.0.output_position
    }

    /// Name and shape of each input port.
    #[getter]
    fn inputs(&self) -> Vec<(String, Vec<u32>)> {
        self.0.inputs.iter().map(|port| (port.name.clone(), port.shape.clone())).collect()
    }

    /// Name and labels of each output port.
    #[getter]
    fn outputs(&self) -> Vec<(String, Vec<String>)> {
        self.0.outputs.iter().map(|port| (port.name.clone(), port.labels.clone())).collect()
    }

    /// Of an output port: population, first address, and shape, range by range.
    fn ranges(&self, port: usize) -> Vec<(String, u32, Vec<u32>)> {
        let ranges = self.0.outputs.get(port).map(|port| port.ranges.as_slice());
        let range = |range: &v1::AddressRange| {
            (range.population.clone(), range.first_address, range.shape.clone())
        };
        ranges.unwrap_or_default().iter().map(range).collect()
    }

    /// Of an input port of frames: names of its whiskers, and kinds of spikes.
    fn whiskers(&self, port: usize) -> Option<(Vec<String>, Vec<String>)> {
        let frames = self.0.inputs.get(port)?.frames.as_ref()?;
        let names = frames.whiskers.iter().map(|whisker| whisker.name.clone()).collect();
        Some((names, frames.kinds.clone()))
    }
}
