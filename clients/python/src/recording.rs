//! Recordings of cameras in every format, portion by portion; and what it is that a file holds.

use std::path::{Path, PathBuf};

use pyo3::{prelude::*, types::PyBytes};
use spiked_client::Geometry;
use spiked_recordings::{self as recordings, samples::is_samples, touch::is_touch};

use crate::{
    packed::put_camera_event,
    reading::{Reading, raised},
};

/// What reads a file: "touch", "samples", or "events" of a camera, as which also those are opened that
/// hold nothing or aren't there.
#[pyfunction]
pub(crate) fn holds(python: Python<'_>, path: PathBuf) -> &'static str {
    python.detach(|| what(&path))
}

fn what(path: &Path) -> &'static str {
    if is_touch(path) {
        "touch"
    } else if is_samples(path) {
        "samples"
    } else {
        "events"
    }
}

/// An open recording.
#[pyclass(module = "spiked._native")]
pub(crate) struct Recording(Reading<recordings::Recording>);

#[pymethods]
impl Recording {
    #[new]
    #[pyo3(signature = (path, size=None))]
    fn new(path: PathBuf, size: Option<(u16, u16)>) -> PyResult<Self> {
        let mut recording = recordings::open(path).map_err(|error| raised(&error))?;
        if let Some((width, height)) = size {
            let given = Geometry { width, height };
            recording.set_geometry(given).map_err(|error| raised(&error))?;
        }
        Ok(Self(Reading::new(recording)))
    }

    #[getter]
    fn format(&self) -> String {
        self.0.with(|recording| recording.format().to_string())
    }

    /// Columns and rows of the sensor, where the header tells or the caller did.
    #[getter]
    fn size(&self) -> Option<(u16, u16)> {
        let geometry = self.0.with(|recording| recording.geometry());
        geometry.map(|geometry| (geometry.width, geometry.height))
    }

    #[getter]
    fn header(&self) -> Vec<(String, String)> {
        self.0.with(|recording| recording.header().to_vec())
    }

    /// The next events, at least so many unless the recording ends; none at its end.
    fn read<'py>(&self, python: Python<'py>, events: usize) -> PyResult<Bound<'py, PyBytes>> {
        let read = python.detach(|| {
            let portion = self.0.portion(events, recordings::Recording::next_events)?;
            let mut packed = Vec::new();
            portion.iter().for_each(|event| put_camera_event(event, &mut packed));
            Ok(packed)
        });
        let packed = read.map_err(|error| raised(&error))?;
        Ok(PyBytes::new(python, &packed))
    }
}
