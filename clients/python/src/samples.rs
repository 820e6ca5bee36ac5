//! Files of labelled samples, sample by sample.

use std::path::PathBuf;

use pyo3::{prelude::*, types::PyBytes};
use spiked_recordings::samples::{self, Label, Split};

use crate::{
    packed::put_address_event,
    reading::{Reading, raised},
};

/// An open file of samples.
#[pyclass(module = "spiked._native")]
pub(crate) struct Samples(Reading<samples::Samples>);

/// A label, as Python has it: `int` or `str`.
#[derive(IntoPyObject)]
enum Said {
    Class(u32),
    Text(String),
}

/// A sample's label; the name of its class; its speaker; its own name; its spikes; how many stood behind a
/// later one.
type Sample<'py> = (Said, Option<String>, Option<String>, Option<String>, Bound<'py, PyBytes>, u64);

#[pymethods]
impl Samples {
    /// The samples for tests, or those for training; without either, what the file has.
    #[new]
    #[pyo3(signature = (path, is_test=None))]
    fn new(path: PathBuf, is_test: Option<bool>) -> PyResult<Self> {
        let split = is_test.map(|is_test| if is_test { Split::Test } else { Split::Train });
        let samples = samples::Samples::open(path, split).map_err(|error| raised(&error))?;
        Ok(Self(Reading::new(samples)))
    }

    #[getter]
    fn format(&self) -> String {
        self.0.with(|samples| samples.format().to_string())
    }

    #[getter]
    fn channels(&self) -> u32 {
        self.0.with(|samples| samples.channels())
    }

    /// Names of the classes by their numbers; none where the file doesn't tell.
    #[getter]
    fn classes(&self) -> Vec<String> {
        self.0.with(|samples| samples.classes().to_vec())
    }

    /// Which samples these are, where the file has several kinds.
    #[getter]
    fn split(&self) -> Option<&'static str> {
        self.0.with(|samples| samples.split().map(Split::name))
    }

    /// The kinds that the file has.
    #[getter]
    fn splits(&self) -> Vec<&'static str> {
        self.0.with(|samples| samples.splits().iter().map(|split| split.name()).collect())
    }

    #[getter]
    fn count(&self) -> u64 {
        self.0.with(|samples| samples.count())
    }

    /// Reads a sample, whichever.
    fn read<'py>(&self, python: Python<'py>, index: u64) -> PyResult<Sample<'py>> {
        let read = python.detach(|| {
            let (sample, name) = self.0.with(|samples| {
                let sample = samples.read(index)?;
                let name = samples.class_name(&sample.label).map(str::to_owned);
                Ok((sample, name))
            })?;
            let mut packed = Vec::new();
            sample.spikes.iter().for_each(|spike| put_address_event(spike, &mut packed));
            Ok((sample, name, packed))
        });
        let (sample, name, packed) = read.map_err(|error| raised(&error))?;
        let label = match sample.label {
            Label::Class(number) => Said::Class(number),
            Label::Text(text) => Said::Text(text),
        };
        let spikes = PyBytes::new(python, &packed);
        Ok((label, name, sample.speaker, sample.key, spikes, sample.backward_steps))
    }
}
