//! What is given to a port: events or frames, checked so that nothing about them can be wrong later.

use std::sync::{Mutex, PoisonError};

use pyo3::{buffer::PyBuffer, exceptions::PyValueError, prelude::*};
use spiked_client::{AddressEvent, CameraEvent, Error, Frames, Steps};

use crate::packed::{address_events, camera_events, frame_values};

/// Events or frames of one port.
pub(crate) enum Given {
    Camera(Vec<CameraEvent>),
    Addresses(Vec<AddressEvent>),
    /// The first at `base_ns`; values are [frame, value].
    Frames {
        base_ns: u128,
        period_ns: u64,
        channels: u32,
        values: Vec<f32>,
    },
}

impl Given {
    /// Events, or values of frames: what the daemon's credit counts.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Camera(events) => events.len(),
            Self::Addresses(events) => events.len(),
            Self::Frames { values, .. } => values.len(),
        }
    }

    /// The latest event \[µs\]; frames promise nothing.
    pub(crate) fn latest_us(&self) -> Option<u64> {
        match self {
            Self::Camera(events) => events.iter().map(|event| event.t_us).max(),
            Self::Addresses(events) => events.iter().map(|event| event.time).max(),
            Self::Frames { .. } => None,
        }
    }

    /// Adds it to the next step.
    pub(crate) fn put(&self, steps: &mut Steps, port: u32) -> Result<(), Error> {
        match self {
            Self::Camera(events) => steps.put(port, events),
            Self::Addresses(events) => steps.put(port, events),
            &Self::Frames { base_ns, period_ns, channels, ref values } => {
                steps.put_frames(port, Frames { base_ns, period_ns, channels, values })
            }
        }
    }
}

/// The same as Python holds it, until it is given to a session.
#[pyclass(module = "spiked._native")]
pub(crate) struct Input {
    given: Mutex<Option<Given>>,
}

impl Input {
    fn new(given: Given) -> Self {
        Self { given: Mutex::new(Some(given)) }
    }

    /// Hands it over, if it is taken; what is not stays here.
    pub(crate) fn hand_over<T>(&self, take: impl FnOnce(&mut Option<Given>) -> T) -> T {
        take(&mut self.given.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl Input {
    /// Events of a camera, as bytes.
    #[staticmethod]
    fn camera(python: Python<'_>, events: PyBuffer<u8>) -> PyResult<Self> {
        let bytes = events.to_vec(python)?;
        let events = python.detach(|| camera_events(&bytes))?;
        Ok(Self::new(Given::Camera(events)))
    }

    /// Events of addresses, as bytes.
    #[staticmethod]
    fn addresses(python: Python<'_>, events: PyBuffer<u8>) -> PyResult<Self> {
        let bytes = events.to_vec(python)?;
        let events = python.detach(|| address_events(&bytes))?;
        Ok(Self::new(Given::Addresses(events)))
    }

    /// Frames as bytes, [frame, value].
    #[staticmethod]
    fn frames(
        python: Python<'_>,
        base_ns: u128,
        period_ns: u64,
        channels: u32,
        values: PyBuffer<u8>,
    ) -> PyResult<Self> {
        let values = frame_values(&values.to_vec(python)?);
        if channels == 0 || !values.len().is_multiple_of(channels as usize) {
            let message = format!("{} values are no whole frames of {channels}", values.len());
            return Err(PyValueError::new_err(message));
        }
        Ok(Self::new(Given::Frames { base_ns, period_ns, channels, values }))
    }
}
