//! Recordings of touch, portion by portion.

use std::path::PathBuf;

use pyo3::{prelude::*, types::PyBytes};
use spiked_recordings::touch::{self, COMPONENTS};

use crate::reading::{Reading, raised};

/// An open recording of touch.
#[pyclass(module = "spiked._native")]
pub(crate) struct TouchRecording(Reading<touch::TouchRecording>);

#[pymethods]
impl TouchRecording {
    #[new]
    fn new(path: PathBuf) -> PyResult<Self> {
        let recording = touch::TouchRecording::open(path).map_err(|error| raised(&error))?;
        Ok(Self(Reading::new(recording)))
    }

    #[getter]
    fn format(&self) -> String {
        self.0.with(|recording| recording.format().to_string())
    }

    /// Names such as "RA0", in the order of a frame's values.
    #[getter]
    fn whiskers(&self) -> Vec<String> {
        self.0.with(|recording| recording.whiskers().to_vec())
    }

    /// Time between frames \[ns\]: what the recording says, or else its format.
    #[getter]
    fn period_ns(&self) -> u64 {
        self.0.with(|recording| recording.period_ns().unwrap_or(recording.format().period_ns()))
    }

    /// Frames in all, where the recording says it.
    #[getter]
    fn frames_total(&self) -> Option<u64> {
        self.0.with(|recording| recording.frames_total())
    }

    /// What else is there that is not read.
    #[getter]
    fn unread(&self) -> Vec<String> {
        self.0.with(|recording| recording.unread().to_vec())
    }

    /// Values so far that were no number, and that were absurd.
    #[getter]
    fn mended(&self) -> (u64, u64) {
        let counts = self.0.with(|recording| recording.counts());
        (counts.not_numbers, counts.absurd)
    }

    /// The next frames, at least so many unless the recording ends; none at its end.
    fn read<'py>(&self, python: Python<'py>, frames: usize) -> PyResult<Bound<'py, PyBytes>> {
        let read = python.detach(|| {
            let frame = self.0.with(|recording| recording.whiskers().len()) * COMPONENTS;
            let wanted = frames.saturating_mul(frame);
            let values = self.0.portion(wanted, touch::TouchRecording::next_frames)?;
            Ok(values.into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>())
        });
        let packed = read.map_err(|error| raised(&error))?;
        Ok(PyBytes::new(python, &packed))
    }
}
