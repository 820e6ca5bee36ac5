//! A session: events go in, spikes and decisions come out.
//!
//! While events wait for credit, output is read and kept, so that a caller who feeds everything before
//! reading anything gets through; what is kept is bounded.

use std::{collections::VecDeque, pin::pin, sync::Arc, time::Duration};

use pyo3::{buffer::PyBuffer, exceptions::PyValueError, prelude::*, types::PyBytes};
use spiked_client::{Client, Error, Frames, Item, Output, Producer, Tables, v1};
use tokio::sync::Mutex;

use crate::{
    errors::{OrRaise as _, OutputUnread, SpikedError},
    packed::{address_events, camera_events, frame_values, put_spike},
    waiting::wait,
};

/// Spikes and decisions that are kept unread, in all.
const UNREAD_MAX: usize = 1 << 24;

/// A decision: time \[µs\], port, class, votes, votes in all.
type Decision = (u64, u32, u32, u64, u64);
/// Where everything stands: batches accepted and durable, simulated to \[µs\], events, deliveries, spikes.
type Position = (u64, u64, u64, u64, u64, u64);

/// Output that belongs together: spikes as bytes, decisions, the last position, and the end's reason and
/// message.
pub(crate) type Portion<'py> =
    (Bound<'py, PyBytes>, Vec<Decision>, Option<Position>, Option<(String, String)>, Vec<String>);

/// One producer's stream.
#[pyclass(module = "spiked._native")]
pub(crate) struct Session {
    client: Client,
    tables: Arc<Tables>,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    producer: Option<Producer>,
    output: Output,
    kept: VecDeque<Item>,
    /// Spikes and decisions in `kept`.
    unread: usize,
    over: bool,
}

impl Inner {
    fn keep(&mut self, item: Item) {
        self.unread += weight(&item);
        self.over |= matches!(item, Item::Ended(_));
        self.kept.push_back(item);
    }

    fn take(&mut self) -> Option<Item> {
        let item = self.kept.pop_front()?;
        self.unread -= weight(&item);
        Some(item)
    }
}

fn weight(item: &Item) -> usize {
    match item {
        Item::Spikes(spikes) => spikes.len(),
        _ => 1,
    }
}

/// What a producer is asked to do.
enum Task {
    Camera(u32, Vec<spiked_client::CameraEvent>),
    Address(u32, Vec<spiked_client::AddressEvent>),
    Frames { port: u32, base_ns: u128, period_ns: u64, channels: u32, values: Vec<f32> },
    Promise(u64),
    Flush,
}

/// Why a task did not get through.
enum Stuck {
    Failed(Error),
    Unread,
    Closed,
}

impl Session {
    pub(crate) fn new(client: Client, session: spiked_client::Session) -> Self {
        let tables = session.tables().clone();
        let (producer, output) = session.split();
        let (kept, unread) = (VecDeque::new(), 0);
        let inner = Inner { producer: Some(producer), output, kept, unread, over: false };
        Self { client, tables, inner: Arc::new(Mutex::new(inner)) }
    }

    fn perform(&self, python: Python<'_>, task: Task) -> PyResult<()> {
        let inner = self.inner.clone();
        let performed = wait(python, async move {
            let mut inner = inner.lock_owned().await;
            let Some(mut producer) = inner.producer.take() else {
                return Err(Stuck::Closed);
            };
            let done = perform(&mut producer, &mut inner, task).await;
            inner.producer = Some(producer);
            done
        })?;
        performed.map_err(|stuck| raised(python, stuck))
    }
}

/// Does it, and keeps the output that comes meanwhile.
async fn perform(producer: &mut Producer, inner: &mut Inner, task: Task) -> Result<(), Stuck> {
    let doing = async {
        match task {
            Task::Camera(port, events) => producer.send(port, &events).await,
            Task::Address(port, events) => producer.send(port, &events).await,
            Task::Frames { port, base_ns, period_ns, channels, values } => {
                let frames = Frames { base_ns, period_ns, channels, values: &values };
                producer.send_frames(port, frames, None).await
            }
            Task::Promise(time_us) => producer.promise(time_us).await,
            Task::Flush => producer.flush().await,
        }
    };
    while_reading(inner, doing).await
}

/// What is sent may wait for credit, which comes with the output.
async fn while_reading(
    inner: &mut Inner,
    doing: impl Future<Output = Result<(), Error>>,
) -> Result<(), Stuck> {
    let mut doing = pin!(doing);
    loop {
        if inner.unread > UNREAD_MAX {
            return Err(Stuck::Unread);
        }
        tokio::select! {
            biased;
            done = &mut doing => return done.map_err(Stuck::Failed),
            item = inner.output.next(), if !inner.over => match item {
                Some(Ok(item)) => inner.keep(item),
                Some(Err(error)) => return Err(Stuck::Failed(error)),
                None => inner.over = true,
            },
        }
    }
}

/// The same as an exception.
fn raised(python: Python<'_>, stuck: Stuck) -> PyErr {
    match stuck {
        Stuck::Failed(error) => crate::errors::raised(python, &error),
        Stuck::Closed => SpikedError::new_err("the session's input has ended"),
        Stuck::Unread => OutputUnread::new_err(format!(
            "{UNREAD_MAX} spikes and decisions wait to be read: read the session while feeding it"
        )),
    }
}

/// What a session's opening told: names, shapes, the length of a tick.
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

#[pymethods]
impl Session {
    #[getter]
    fn tables(&self) -> Ports {
        Ports(self.tables.clone())
    }

    /// Sends events of a camera, as bytes.
    fn send_camera(&self, python: Python<'_>, port: u32, events: PyBuffer<u8>) -> PyResult<()> {
        let bytes = events.to_vec(python)?;
        let events = python.detach(|| camera_events(&bytes))?;
        self.perform(python, Task::Camera(port, events))
    }

    /// Sends events of addresses, as bytes.
    fn send_addresses(&self, python: Python<'_>, port: u32, events: PyBuffer<u8>) -> PyResult<()> {
        let bytes = events.to_vec(python)?;
        let events = python.detach(|| address_events(&bytes))?;
        self.perform(python, Task::Address(port, events))
    }

    /// Sends frames as bytes, [frame, value], the first at so many ns.
    fn send_frames(
        &self,
        python: Python<'_>,
        port: u32,
        base_ns: u128,
        period_ns: u64,
        channels: u32,
        values: PyBuffer<u8>,
    ) -> PyResult<()> {
        let values = frame_values(&values.to_vec(python)?);
        self.perform(python, Task::Frames { port, base_ns, period_ns, channels, values })
    }

    fn promise(&self, python: Python<'_>, time_us: u64) -> PyResult<()> {
        self.perform(python, Task::Promise(time_us))
    }

    fn flush(&self, python: Python<'_>) -> PyResult<()> {
        self.perform(python, Task::Flush)
    }

    /// Ends the input; the session runs on and ends.
    fn finish(&self, python: Python<'_>) -> PyResult<()> {
        let inner = self.inner.clone();
        let finished = wait(python, async move {
            let mut inner = inner.lock_owned().await;
            match inner.producer.take() {
                Some(producer) => while_reading(&mut inner, producer.finish()).await,
                None => Ok(()),
            }
        })?;
        match finished {
            // Then the output says why.
            Err(Stuck::Failed(Error::InputOver | Error::OutputDropped)) => Ok(()),
            finished => finished.map_err(|stuck| raised(python, stuck)),
        }
    }

    /// Ends the session at once, whatever it still has to do.
    fn close(&self, python: Python<'_>) -> PyResult<()> {
        let (client, id) = (self.client.clone(), self.tables.session_id.clone());
        wait(python, async move { client.close_session(&id).await })?.or_raise(python).map(drop)
    }

    /// The next output, with whatever else is there already; `None` after so many seconds without any,
    /// and after the end.
    #[pyo3(signature = (timeout_s=None))]
    fn read<'py>(
        &self,
        python: Python<'py>,
        timeout_s: Option<f64>,
    ) -> PyResult<Option<Portion<'py>>> {
        let timeout = timeout_s.map(Duration::try_from_secs_f64).transpose();
        let timeout = timeout.map_err(|error| PyValueError::new_err(error.to_string()))?;
        let inner = self.inner.clone();
        let read = wait(python, async move {
            let mut inner = inner.lock_owned().await;
            let items = read(&mut inner);
            match timeout {
                Some(timeout) => {
                    tokio::time::timeout(timeout, items).await.unwrap_or(Ok(Vec::new()))
                }
                None => items.await,
            }
        })?;
        let items = read.or_raise(python)?;
        Ok((!items.is_empty()).then(|| portion(python, &items)))
    }
}

/// Waits for an item, and takes all that are there with it.
async fn read(inner: &mut Inner) -> Result<Vec<Item>, Error> {
    if inner.kept.is_empty() && !inner.over {
        match inner.output.next().await {
            Some(item) => inner.keep(item?),
            None => inner.over = true,
        }
    }
    while !inner.over && inner.unread < UNREAD_MAX {
        let next = tokio::time::timeout(Duration::ZERO, inner.output.next());
        match next.await {
            Ok(Some(item)) => inner.keep(item?),
            Ok(None) => inner.over = true,
            Err(_) => break,
        }
    }
    Ok(std::iter::from_fn(|| inner.take()).collect())
}

pub(crate) fn portion<'py>(python: Python<'py>, items: &[Item]) -> Portion<'py> {
    let (mut spikes, mut decisions, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    let (mut position, mut end) = (None, None);
    for item in items {
        match item {
            Item::Spikes(batch) => batch.iter().for_each(|spike| put_spike(&spike, &mut spikes)),
            Item::Decision(decision) => decisions.push((
                decision.time_us,
                decision.port,
                decision.class,
                decision.votes,
                decision.votes_total,
            )),
            Item::Acknowledgement(stands) => position = Some(of(stands)),
            Item::Error(refusal) => errors.push(refusal.to_string()),
            Item::Ended(ended) => {
                position = ended.r#final.as_ref().map(of).or(position);
                let reason = ended.reason().as_str_name().trim_start_matches("END_REASON_");
                end = Some((reason.to_owned(), ended.message.clone()));
            }
            _ => {}
        }
    }
    (PyBytes::new(python, &spikes), decisions, position, end, errors)
}

fn of(position: &v1::Acknowledgement) -> Position {
    (
        position.accepted,
        position.durable,
        position.simulated_to_us,
        position.events_accepted,
        position.deliveries,
        position.spikes,
    )
}
