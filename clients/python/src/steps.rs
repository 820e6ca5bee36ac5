//! Closed loops: input in, run to a time, output back.
//!
//! A step is made to its end, whether somebody waits for it or not; what comes out is kept until
//! Python takes it. So the output of a step whose wait was given up comes with the next.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use pyo3::{IntoPyObjectExt as _, prelude::*};
use spiked_client::{Error, Item, Stepped, Tables};

use crate::{
    errors::{OrRaise as _, SpikedError},
    input::{Given, Input},
    pending::Pending,
    portion::portion,
    ports::Ports,
};

/// A session that runs step by step.
#[pyclass(module = "spiked._native")]
pub(crate) struct Steps {
    tables: Arc<Tables>,
    inner: Arc<Inner>,
}

struct Inner {
    /// One step after the other; `None` once it is closed.
    steps: tokio::sync::Mutex<Option<spiked_client::Steps>>,
    /// For the next step.
    given: Mutex<Vec<(u32, Given)>>,
    /// Came out of steps, and was not taken yet.
    came: Mutex<Vec<Item>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// Runs to a time, with what was given; false where it is closed.
    async fn step(&self, until_us: u64) -> Result<bool, Error> {
        let mut steps = self.steps.lock().await;
        let Some(steps) = steps.as_mut() else {
            return Ok(false);
        };
        for (port, given) in mem::take(&mut *locked(&self.given)) {
            given.put(steps, port)?;
        }
        let Stepped { spikes, decisions, position } = steps.step(until_us).await?;
        let mut came = locked(&self.came);
        came.extend(spikes.into_iter().map(Item::Spikes));
        came.extend(decisions.into_iter().map(Item::Decision));
        came.push(Item::Acknowledgement(position));
        Ok(true)
    }
}

impl Steps {
    pub(crate) fn new(steps: spiked_client::Steps) -> Self {
        let tables = steps.tables().clone();
        let (given, came) = (Mutex::default(), Mutex::default());
        let inner = Inner { steps: tokio::sync::Mutex::new(Some(steps)), given, came };
        Self { tables, inner: Arc::new(inner) }
    }
}

#[pymethods]
impl Steps {
    #[getter]
    fn tables(&self) -> Ports {
        Ports(self.tables.clone())
    }

    /// Adds input to the next step.
    fn put(&self, port: u32, input: &Input) {
        let given = input.hand_over(Option::take);
        locked(&self.inner.given).extend(given.map(|given| (port, given)));
    }

    /// Runs every tick before a time, with what was added.
    fn step(&self, until_us: u64) -> Pending {
        let inner = self.inner.clone();
        let stepping = async move { Ok((inner.step(until_us).await, inner)) };
        Pending::call(stepping, |python, (stepped, inner)| {
            if !stepped.or_raise(python)? {
                return Err(SpikedError::new_err("the session is closed"));
            }
            let came = mem::take(&mut *locked(&inner.came));
            portion(python, &came).into_py_any(python)
        })
    }

    fn close(&self) -> Pending {
        let inner = self.inner.clone();
        let closing = async move {
            match inner.steps.lock().await.take() {
                Some(steps) => steps.close().await,
                None => Ok(()),
            }
        };
        Pending::call(closing, |python, ()| Ok(python.None()))
    }
}
