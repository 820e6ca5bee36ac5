//! A session: events go in, spikes and decisions come out. Nothing here waits; what has to be waited
//! for is given as a [`Pending`].

use std::{sync::Arc, time::Duration};

use pyo3::{exceptions::PyValueError, prelude::*};
use spiked_client::{Error, Tables};
use tokio::task::AbortHandle;

use crate::{
    connections::Place,
    errors::{Failure, OutputUnread, SpikedError},
    flow::{Flow, State, Stuck, Task},
    input::Input,
    pending::{Pending, runtime},
    portion::{Portion, portion},
    ports::Ports,
    tasks::{read_all, send_all},
};

/// One producer's stream.
#[pyclass(module = "spiked._native")]
pub(crate) struct Session {
    place: Place,
    tables: Arc<Tables>,
    flow: Arc<Flow>,
    tasks: [AbortHandle; 2],
}

/// The same as an exception.
fn raised(python: Python<'_>, stuck: Stuck) -> PyErr {
    match stuck {
        Stuck::Failed(failure) => failure.raised(python),
        Stuck::Closed => SpikedError::new_err("the session's input has ended"),
        Stuck::Over => Failure::of(&Error::InputOver).raised(python),
        Stuck::Unread(most) => OutputUnread::new_err(format!(
            "{most} spikes and decisions wait to be read: read the session while feeding it"
        )),
    }
}

impl Session {
    pub(crate) fn new(
        place: Place,
        session: spiked_client::Session,
        unread_max: usize,
    ) -> PyResult<Self> {
        let tables = session.tables().clone();
        let (producer, output) = session.split();
        let flow = Arc::new(Flow::new(State::new(unread_max)));
        let runtime = runtime()?;
        let sending = runtime.spawn(send_all(flow.clone(), producer));
        let reading = runtime.spawn(read_all(flow.clone(), output));
        let tasks = [sending.abort_handle(), reading.abort_handle()];
        Ok(Self { place, tables, flow, tasks })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

#[pymethods]
impl Session {
    #[getter]
    fn tables(&self) -> Ports {
        Ports(self.tables.clone())
    }

    /// Takes events or frames to be sent, all or (false) none. A `patient` caller waits also where so
    /// much output is unread that nothing moves, if somebody reads it.
    fn put(
        &self,
        python: Python<'_>,
        port: u32,
        input: &Input,
        promise: bool,
        patient: bool,
    ) -> PyResult<bool> {
        input.hand_over(|given| {
            let Some(waiting) = given.take() else {
                return Err(SpikedError::new_err("that was sent already"));
            };
            let mut waiting = Some(waiting);
            let taken = self.flow.change(|state| {
                state.put(patient, || {
                    let given = waiting.take().expect("a task is made once");
                    Task::Send { port, given, promise }
                })
            });
            *given = waiting;
            taken.map_err(|stuck| raised(python, stuck))
        })
    }

    /// Until there is room for more.
    fn room(&self, patient: bool) -> Pending {
        let flow = self.flow.clone();
        let room = async move { flow.until(|state| state.room(patient)).await };
        Pending::wait_for(room, |python, room| {
            room.map_err(|stuck| raised(python, stuck))?;
            Ok(python.None())
        })
    }

    fn promise(&self, python: Python<'_>, time_us: u64) -> PyResult<()> {
        self.flow.change(|state| state.promise(time_us)).map_err(|stuck| raised(python, stuck))
    }

    fn flush(&self, python: Python<'_>) -> PyResult<()> {
        self.flow.change(State::flush).map_err(|stuck| raised(python, stuck))
    }

    /// Ends the input; the session runs on and ends.
    fn end(&self) {
        self.flow.change(State::end);
    }

    /// Until all that was given so far has been sent.
    fn sent(&self, patient: bool) -> Pending {
        let flow = self.flow.clone();
        let given = flow.lock().given();
        let sent = async move { flow.until(|state| state.through(given, patient)).await };
        Pending::wait_for(sent, |python, sent| {
            sent.map_err(|stuck| raised(python, stuck))?;
            Ok(python.None())
        })
    }

    /// Until there is something to take, or so many seconds have passed, or nothing more will come.
    #[pyo3(signature = (timeout_s=None))]
    fn readable(&self, timeout_s: Option<f64>) -> PyResult<Pending> {
        let timeout = timeout_s.map(Duration::try_from_secs_f64).transpose();
        let timeout = timeout.map_err(|error| PyValueError::new_err(error.to_string()))?;
        let flow = self.flow.clone();
        let readable = async move {
            let readable = flow.until(|state| state.is_readable().then_some(()));
            match timeout {
                Some(timeout) => drop(tokio::time::timeout(timeout, readable).await),
                None => readable.await,
            }
        };
        Ok(Pending::wait_for(readable, |python, ()| Ok(python.None())))
    }

    /// All output was taken.
    #[getter]
    fn over(&self) -> bool {
        self.flow.lock().is_over()
    }

    /// What is there; `None` where nothing is.
    fn take<'py>(&self, python: Python<'py>) -> PyResult<Option<Portion<'py>>> {
        let items = self.flow.change(State::take).map_err(|stuck| raised(python, stuck))?;
        Ok((!items.is_empty()).then(|| portion(python, &items)))
    }

    /// Ends the session at once, whatever it still has to do.
    fn close(&self) -> Pending {
        let (client, id) = (self.place.client().clone(), self.tables.session_id.clone());
        let closing = async move { client.close_session(&id).await };
        Pending::call(closing, |python, _| Ok(python.None()))
    }
}
