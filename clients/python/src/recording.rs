//! Recordings of every format, portion by portion.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::{prelude::*, types::PyBytes};
use spiked_client::Geometry;
use spiked_recordings as recordings;

use crate::{errors::InvalidRecording, packed::put_camera_event};

/// An open recording.
#[pyclass(module = "spiked._native")]
pub(crate) struct Recording {
    /// One reads at a time.
    recording: Mutex<recordings::Recording>,
}

fn raised(error: &recordings::Error) -> PyErr {
    InvalidRecording::new_err(error.to_string())
}

impl Recording {
    fn opened(&self) -> MutexGuard<'_, recordings::Recording> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Recording {
    #[new]
    #[pyo3(signature = (path, size=None))]
    fn new(path: &str, size: Option<(u16, u16)>) -> PyResult<Self> {
        let mut recording = recordings::open(path).map_err(|error| raised(&error))?;
        if let Some((width, height)) = size {
            let given = Geometry { width, height };
            recording.set_geometry(given).map_err(|error| raised(&error))?;
        }
        Ok(Self { recording: Mutex::new(recording) })
    }

    #[getter]
    fn format(&self) -> String {
        self.opened().format().to_string()
    }

    /// Columns and rows of the sensor, where the header tells or the caller did.
    #[getter]
    fn size(&self) -> Option<(u16, u16)> {
        self.opened().geometry().map(|geometry| (geometry.width, geometry.height))
    }

    #[getter]
    fn header(&self) -> Vec<(String, String)> {
        self.opened().header().to_vec()
    }

    /// The next events, at least so many unless the recording ends; none at its end.
    fn read<'py>(&self, python: Python<'py>, events: usize) -> PyResult<Bound<'py, PyBytes>> {
        let read = python.detach(|| {
            let mut recording = self.opened();
            let (mut portion, mut packed) = (Vec::new(), Vec::new());
            while portion.len() < events && recording.next_events(&mut portion)? > 0 {}
            portion.iter().for_each(|event| put_camera_event(event, &mut packed));
            Ok(packed)
        });
        let packed = read.map_err(|error| raised(&error))?;
        Ok(PyBytes::new(python, &packed))
    }
}
