//! Closed loops: input in, run to a time, output back.

use std::sync::Arc;

use pyo3::{buffer::PyBuffer, prelude::*};
use spiked_client::{Error, Frames, Item, Stepped, Tables};
use tokio::sync::Mutex;

use crate::{
    errors::{OrRaise as _, SpikedError},
    packed::{address_events, camera_events, frame_values},
    session::{Portion, Ports, portion},
    waiting::wait,
};

/// A session that runs step by step.
#[pyclass(module = "spiked._native")]
pub(crate) struct Steps {
    tables: Arc<Tables>,
    /// `None` once it is closed.
    inner: Arc<Mutex<Option<spiked_client::Steps>>>,
}

impl Steps {
    pub(crate) fn new(steps: spiked_client::Steps) -> Self {
        let tables = steps.tables().clone();
        Self { tables, inner: Arc::new(Mutex::new(Some(steps))) }
    }

    /// Adds input to the next step.
    fn add(
        &self,
        python: Python<'_>,
        add: impl FnOnce(&mut spiked_client::Steps) -> Result<(), Error> + Send + 'static,
    ) -> PyResult<()> {
        let inner = self.inner.clone();
        let added = wait(python, async move { inner.lock_owned().await.as_mut().map(add) })?;
        added.ok_or_else(closed)?.or_raise(python)
    }
}

fn closed() -> PyErr {
    SpikedError::new_err("the session is closed")
}

#[pymethods]
impl Steps {
    #[getter]
    fn tables(&self) -> Ports {
        Ports(self.tables.clone())
    }

    fn put_camera(&self, python: Python<'_>, port: u32, events: PyBuffer<u8>) -> PyResult<()> {
        let events = camera_events(&events.to_vec(python)?)?;
        self.add(python, move |steps| steps.put(port, &events))
    }

    fn put_addresses(&self, python: Python<'_>, port: u32, events: PyBuffer<u8>) -> PyResult<()> {
        let events = address_events(&events.to_vec(python)?)?;
        self.add(python, move |steps| steps.put(port, &events))
    }

    /// Values as bytes, [frame, value], the first at so many ns.
    fn put_frames(
        &self,
        python: Python<'_>,
        port: u32,
        base_ns: u128,
        period_ns: u64,
        channels: u32,
        values: PyBuffer<u8>,
    ) -> PyResult<()> {
        let values = frame_values(&values.to_vec(python)?);
        self.add(python, move |steps| {
            steps.put_frames(port, Frames { base_ns, period_ns, channels, values: &values })
        })
    }

    /// Runs every tick before a time, with what was added.
    fn step<'py>(&self, python: Python<'py>, until_us: u64) -> PyResult<Portion<'py>> {
        let inner = self.inner.clone();
        let stepped = wait(python, async move {
            match inner.lock_owned().await.as_mut() {
                Some(steps) => Some(steps.step(until_us).await),
                None => None,
            }
        })?;
        let Stepped { spikes, decisions, position } =
            stepped.ok_or_else(closed)?.or_raise(python)?;
        let spikes = spikes.into_iter().map(Item::Spikes);
        let decisions = decisions.into_iter().map(Item::Decision);
        let items: Vec<Item> =
            spikes.chain(decisions).chain([Item::Acknowledgement(position)]).collect();
        Ok(portion(python, &items))
    }

    fn close(&self, python: Python<'_>) -> PyResult<()> {
        let inner = self.inner.clone();
        let closed = wait(python, async move {
            match inner.lock_owned().await.take() {
                Some(steps) => steps.close().await,
                None => Ok(()),
            }
        })?;
        closed.or_raise(python)
    }
}
