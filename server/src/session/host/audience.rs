//! Those who watch a session: each reads at its own pace, and is told what it was too slow for.

use std::sync::Arc;

use spiked_proto::{
    layout::frames::{Frames, Sampling},
    v1::{self, stream_response::Message},
};

use crate::session::{
    chunk::{Chunk, Op},
    outlet::{Outlet, Passage},
    retained::{Retained, positions},
};

/// Events of one message to a watcher of input.
const EVENTS_MAX: usize = 16_384;

/// What a watcher reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    /// All output, or only decisions.
    Output {
        decisions_only: bool,
    },
    Input,
    /// What the engine reads for it.
    Probes,
}

impl Watched {
    /// Whether a message of output is for it.
    fn shows(self, message: &Message) -> bool {
        match self {
            Self::Output { decisions_only: false } => true,
            Self::Output { decisions_only: true } => matches!(message, Message::Decision(_)),
            Self::Input | Self::Probes => false,
        }
    }
}

struct Watcher {
    outlet: Arc<Outlet>,
    watched: Watched,
    /// The next output to show.
    next: u64,
    /// Messages that it was too slow for, since it was last told.
    missed: u64,
}

/// All watchers.
#[derive(Default)]
pub(super) struct Audience {
    watchers: Vec<Watcher>,
    /// Somebody watches input.
    inputs: bool,
    /// By input port: values of a frame, where it takes frames.
    frames: Vec<Option<u32>>,
}

impl Audience {
    /// Nobody, yet.
    pub(super) fn new(frames: Vec<Option<u32>>) -> Self {
        Self { frames, ..Self::default() }
    }

    pub(super) fn admit(&mut self, outlet: Arc<Outlet>, watched: Watched, next: u64) {
        self.watchers.push(Watcher { outlet, watched, next, missed: 0 });
        self.note_inputs();
    }

    pub(super) fn forget_gone(&mut self) {
        self.watchers.retain(|watcher| !watcher.outlet.is_gone());
        self.note_inputs();
    }

    fn note_inputs(&mut self) {
        self.inputs = self.watchers.iter().any(|watcher| watcher.watched == Watched::Input);
    }

    /// A message is forgotten: whoever would have been shown it and has not seen it yet missed it.
    pub(super) fn forgets(&mut self, message: &Message) {
        let Some((first, count)) = positions(message) else { return };
        for watcher in &mut self.watchers {
            let reads_output = matches!(watcher.watched, Watched::Output { .. });
            if reads_output && watcher.next < first + count {
                watcher.next = first + count;
                watcher.missed += u64::from(watcher.watched.shows(message));
            }
        }
    }

    /// Shows kept output to each, as far as it has room.
    pub(super) fn show(&mut self, retained: &Retained) {
        for watcher in &mut self.watchers {
            if matches!(watcher.watched, Watched::Output { .. }) {
                watcher.show(retained);
                watcher.outlet.wake();
            }
        }
    }

    /// Shows what goes into the simulation.
    pub(super) fn show_input(&mut self, chunk: &Chunk) {
        if !self.inputs {
            return;
        }
        let messages = input_messages(chunk, &self.frames);
        for watcher in self.watchers.iter_mut().filter(|one| one.watched == Watched::Input) {
            for message in &messages {
                watcher.tell_missed();
                if watcher.missed > 0 || !watcher.outlet.put(message) {
                    watcher.missed += 1;
                }
            }
            watcher.outlet.wake();
        }
    }

    /// Ends all, whatever they have yet to see; they are told that they missed it.
    pub(super) fn end(&mut self, retained: &Retained, reason: v1::EndReason, message: &str) {
        for watcher in &mut self.watchers {
            let unseen = match watcher.watched {
                watched @ Watched::Output { .. } => {
                    retained.count_from(watcher.next, |message| watched.shows(message))
                }
                // What a probe misses, the engine counts.
                Watched::Input | Watched::Probes => 0,
            };
            watcher.outlet.end_missing(watcher.missed + unseen, reason, message);
        }
    }

    /// Ends each watcher that has seen all kept output.
    pub(super) fn end_caught_up(&mut self, end: u64, reason: v1::EndReason, message: &str) {
        for watcher in &mut self.watchers {
            let caught_up = !matches!(watcher.watched, Watched::Output { .. })
                || (watcher.next >= end && watcher.missed == 0);
            if caught_up {
                watcher.outlet.end_missing(watcher.missed, reason, message);
            }
        }
    }
}

impl Watcher {
    fn tell_missed(&mut self) {
        if self.missed > 0 && self.outlet.put(&Passage::Missed(self.missed)) {
            self.missed = 0;
        }
    }

    fn show(&mut self, retained: &Retained) {
        self.tell_missed();
        while self.missed == 0
            && let Some(item) = retained.get(self.next)
        {
            let (first, count) = positions(&item.message).unwrap_or((self.next, 0));
            if self.watched.shows(&item.message) && !self.outlet.put(&Passage::Output(item)) {
                return;
            }
            self.next = first + count;
        }
    }
}

/// A chunk as batches of the wire: runs of events of one port, with the promise that follows them.
fn input_messages(chunk: &Chunk, frames: &[Option<u32>]) -> Vec<Passage> {
    let mut rest = chunk.events.as_slice();
    let mut messages: Vec<v1::EventBatch> = Vec::new();
    for op in &chunk.ops {
        match *op {
            Op::Events { port, count } => {
                let (events, behind) = rest.split_at(count);
                rest = behind;
                match frames.get(usize::from(port.0)).copied().flatten() {
                    Some(channels) => frames_of(port.0.into(), channels, events, &mut messages),
                    None => {
                        let runs = events.chunks(EVENTS_MAX);
                        messages.extend(runs.map(|run| events_of(port.0.into(), run)));
                    }
                }
            }
            Op::Promise { time_us } => match messages.last_mut() {
                Some(last) if last.promise_us.is_none() => last.promise_us = Some(time_us),
                _ => {
                    let promise_us = Some(time_us);
                    messages.push(v1::EventBatch { promise_us, ..v1::EventBatch::default() });
                }
            },
            Op::Origin { .. } | Op::End { .. } => {}
        }
    }
    messages.into_iter().map(Passage::Events).collect()
}

/// Each frame as a batch of its own; a value that was bad is NaN.
fn frames_of(
    port: u32,
    channels: u32,
    samples: &[sim_core::InputEvent],
    messages: &mut Vec<v1::EventBatch>,
) {
    for frame in samples.chunk_by(|one, next| one.time_us == next.time_us) {
        let mut values = vec![f32::NAN; channels as usize];
        for sample in frame {
            if let Some(value) = values.get_mut(sample.address as usize) {
                *value = sample.value();
            }
        }
        let mut payload = Vec::new();
        Frames::encode(Sampling::default(), channels, &values, &mut payload);
        messages.push(v1::EventBatch {
            port,
            base_time_us: frame[0].time_us,
            layout: v1::Layout::Frames.into(),
            count: 1,
            payload: payload.into(),
            ..v1::EventBatch::default()
        });
    }
}

/// Packed as counted addresses where something is counted, else as addresses; what does not fit the
/// layout's bounds (multiplicity above 255, 71 minutes) is cut down to them.
fn events_of(port: u32, events: &[sim_core::InputEvent]) -> v1::EventBatch {
    let base_us = events.iter().map(|event| event.time_us).min().unwrap_or(0);
    let counted = events.iter().any(|event| event.multiplicity > 1);
    let mut payload = Vec::with_capacity(events.len() * spiked_proto::layout::EVENT_BYTES);
    for event in events {
        let offset = u32::try_from(event.time_us - base_us).unwrap_or(u32::MAX);
        let multiplicity = event.multiplicity.min(u32::from(u8::MAX));
        let high = if counted { multiplicity << 24 } else { 0 };
        payload.extend_from_slice(&offset.to_le_bytes());
        payload.extend_from_slice(&(event.address | high).to_le_bytes());
    }
    let layout = if counted { v1::Layout::CountedAddress } else { v1::Layout::Address };
    v1::EventBatch {
        port,
        base_time_us: base_us,
        layout: layout.into(),
        count: u32::try_from(events.len()).unwrap_or(u32::MAX),
        payload: payload.into(),
        ..v1::EventBatch::default()
    }
}
