//! Watching a session: what others feed it, what comes out of it, what goes on in it.
//!
//! A task for each thing that is watched reads it and keeps it for Python. When [`KEPT_MAX`] is
//! there and nobody takes it, the task reads no further; the daemon then counts what is missed.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use pyo3::{exceptions::PyValueError, prelude::*, types::PyBytes};
use spiked_client::{self as client, Tables, WatchItem, WatchedInput, v1};
use tokio::task::AbortHandle;

use crate::{
    connections::Place,
    errors::Failure,
    packed::{put_reading, put_spike, put_watched_event},
    pending::{Pending, runtime},
    portion::{Decision, End, decided, ended_as},
    ports::Ports,
    shared::Shared,
};

/// Spikes, events and values that are kept for Python.
const KEPT_MAX: usize = 1 << 16;

/// What is to be watched; the names are those of `Client.watch`.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Asked {
    session_id: String,
    output: bool,
    decisions: bool,
    input: bool,
    from_position: Option<u64>,
    /// Population, neurons, what, receptor, period \[ticks\].
    probe: Option<(String, Vec<u32>, String, u32, u64)>,
}

impl Asked {
    /// A request for each thing.
    pub(crate) fn read(self) -> PyResult<Vec<v1::WatchSessionRequest>> {
        let request = |watched: v1::Watched| v1::WatchSessionRequest {
            session_id: self.session_id.clone(),
            watched: watched.into(),
            ..Default::default()
        };
        let mut requests = Vec::new();
        for (watched, wanted) in
            [(v1::Watched::Output, self.output), (v1::Watched::Decisions, self.decisions)]
        {
            let from_position = self.from_position;
            let from = |request| v1::WatchSessionRequest { from_position, ..request };
            requests.extend(wanted.then(|| from(request(watched))));
        }
        requests.extend(self.input.then(|| request(v1::Watched::Input)));
        if let Some((population, neurons, what, receptor, period_ticks)) = self.probe.clone() {
            let probed = match what.as_str() {
                "potential" => v1::Probed::Potential,
                "threshold" => v1::Probed::Threshold,
                "current" => v1::Probed::Current,
                other => {
                    let message = format!("{other:?}: expected potential, threshold or current");
                    return Err(PyValueError::new_err(message));
                }
            }
            .into();
            let probe = v1::Probe { population, neurons, probed, receptor, period_ticks };
            let watched = request(v1::Watched::Probes);
            requests.push(v1::WatchSessionRequest { probe: Some(probe), ..watched });
        }
        Ok(requests)
    }
}

/// What Python and the tasks share.
struct Kept {
    items: VecDeque<WatchItem>,
    weight: usize,
    /// Tasks that still read.
    reading: usize,
    failed: Option<Failure>,
}

fn weight(item: &WatchItem) -> usize {
    match item {
        WatchItem::Spikes(spikes) => spikes.len().max(1),
        WatchItem::Events(batch) => (batch.payload.len() / 8).max(1),
        WatchItem::Probe(values) => values.values.len().max(1),
        _ => 1,
    }
}

impl Kept {
    fn is_readable(&self) -> bool {
        !self.items.is_empty() || self.is_over()
    }

    fn is_over(&self) -> bool {
        self.items.is_empty() && (self.reading == 0 || self.failed.is_some())
    }
}

/// The place on its connection is the watch's as long as it is read.
async fn keep_all(kept: Arc<Shared<Kept>>, (_place, mut watch): (Place, client::Watch)) {
    loop {
        kept.until(|kept| (kept.weight < KEPT_MAX).then_some(())).await;
        match watch.next().await {
            Some(Ok(item)) => kept.change(|kept| {
                kept.weight += weight(&item);
                kept.items.push_back(item);
            }),
            Some(Err(error)) => kept.change(|kept| kept.failed = Some(Failure::of(&error))),
            None => break,
        }
    }
    kept.change(|kept| kept.reading -= 1);
}

/// Frames of a port: its number, time \[µs\], values as bytes.
type FramesSeen<'py> = (u32, u64, Bound<'py, PyBytes>);
/// Spikes, decisions, events, frames, readings; messages missed, the highest promise, the next output
/// position, the end.
type Seen<'py> = (
    Bound<'py, PyBytes>,
    Vec<Decision>,
    Bound<'py, PyBytes>,
    Vec<FramesSeen<'py>>,
    Bound<'py, PyBytes>,
    u64,
    Option<u64>,
    Option<u64>,
    Option<End>,
);

/// A session that is watched.
#[pyclass(module = "spiked._native")]
pub(crate) struct Watch {
    tables: Arc<Tables>,
    kept: Arc<Shared<Kept>>,
    tasks: Vec<AbortHandle>,
}

impl Watch {
    pub(crate) fn new(watches: Vec<(Place, client::Watch)>) -> PyResult<Self> {
        let nothing = || PyValueError::new_err("nothing is to be watched");
        let (_, first) = watches.first().ok_or_else(nothing)?;
        let tables = first.tables().clone();
        let (items, reading) = (VecDeque::new(), watches.len());
        let kept = Kept { items, weight: 0, reading, failed: None };
        let kept = Arc::new(Shared::new(kept));
        let runtime = runtime()?;
        let begin = |watch| runtime.spawn(keep_all(kept.clone(), watch)).abort_handle();
        let tasks = watches.into_iter().map(begin).collect();
        Ok(Self { tables, kept, tasks })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.close();
    }
}

#[pymethods]
impl Watch {
    #[getter]
    fn tables(&self) -> Ports {
        Ports(self.tables.clone())
    }

    /// Until there is something to take, or so many seconds have passed, or nothing more will come.
    #[pyo3(signature = (timeout_s=None))]
    fn readable(&self, timeout_s: Option<f64>) -> PyResult<Pending> {
        let timeout = timeout_s.map(Duration::try_from_secs_f64).transpose();
        let timeout = timeout.map_err(|error| PyValueError::new_err(error.to_string()))?;
        let kept = self.kept.clone();
        let readable = async move {
            let readable = kept.until(|kept| kept.is_readable().then_some(()));
            match timeout {
                Some(timeout) => drop(tokio::time::timeout(timeout, readable).await),
                None => readable.await,
            }
        };
        Ok(Pending::wait_for(readable, |python, ()| Ok(python.None())))
    }

    /// All was taken.
    #[getter]
    fn over(&self) -> bool {
        let kept = self.kept.lock();
        kept.is_over() && kept.failed.is_none()
    }

    /// What is there; `None` where nothing is.
    fn take<'py>(&self, python: Python<'py>) -> PyResult<Option<Seen<'py>>> {
        let (items, failed) = self.kept.change(|kept| {
            kept.weight = 0;
            (std::mem::take(&mut kept.items), kept.failed.clone())
        });
        match failed {
            _ if !items.is_empty() => seen(python, items).map(Some),
            Some(failure) => Err(failure.raised(python)),
            None => Ok(None),
        }
    }

    /// Watches no longer.
    fn close(&self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        self.kept.change(|kept| kept.reading = 0);
    }
}

fn seen(python: Python<'_>, items: VecDeque<WatchItem>) -> PyResult<Seen<'_>> {
    let (mut spikes, mut decisions, mut events) = (Vec::new(), Vec::new(), Vec::new());
    let (mut frames, mut readings, mut missed) = (Vec::new(), Vec::new(), 0_u64);
    let (mut promise_us, mut position, mut end) = (None, None, None);
    for item in items {
        match item {
            WatchItem::Spikes(batch) => {
                batch.iter().for_each(|spike| put_spike(&spike, &mut spikes));
                position = Some(batch.first_position() + batch.len() as u64);
            }
            WatchItem::Decision(decision) => {
                decisions.push(decided(&decision));
                position = Some(decision.position + 1);
            }
            WatchItem::Events(batch) => {
                promise_us = batch.promise_us.or(promise_us);
                let read = WatchedInput::read(&batch);
                match read.map_err(|error| Failure::of(&error).raised(python))? {
                    WatchedInput::Events(batched) => {
                        for event in &batched {
                            put_watched_event(batch.port, event, &mut events);
                        }
                    }
                    WatchedInput::Frames(batched) => {
                        frames.extend(batched.into_iter().map(|(time_us, values)| {
                            let bytes: Vec<u8> =
                                values.into_iter().flat_map(f32::to_le_bytes).collect();
                            (batch.port, time_us, PyBytes::new(python, &bytes))
                        }));
                    }
                }
            }
            WatchItem::Probe(values) => put_reading(&values, &mut readings),
            WatchItem::Missed(messages) => missed += messages,
            WatchItem::Ended(ended) => end = Some(ended_as(&ended)),
            _ => {}
        }
    }
    let [spikes, events, readings] =
        [spikes, events, readings].map(|bytes| PyBytes::new(python, &bytes));
    Ok((spikes, decisions, events, frames, readings, missed, promise_us, position, end))
}
