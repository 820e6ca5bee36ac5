//! From frames to spikes, between the door and a tick.
//!
//! Values run straight from frame to frame, so what lies between two frames is known once the
//! second is there: a port's time is closed up to its last frame, and further only where the promise
//! says that the next frame comes after a gap. All state is re-based at frames alone, so neither
//! batches nor promises nor pauses change a bit.

mod afferents;
mod levels;

use std::sync::Arc;

pub(crate) use afferents::Membrane;
pub(crate) use levels::Level;

use self::{afferents::Cell, levels::Levels};
use super::{door::Door, forget_taken};
use crate::{
    event::InputEvent,
    network::{COMPONENT_COUNT, FrameEncoder, FrameSource},
};

/// A port of frames, as the plan holds it.
#[derive(Clone, Debug)]
pub(crate) struct FramePlan {
    pub(crate) source: Arc<FrameSource>,
    kind: Kind,
    /// Of what it encodes.
    pub(crate) addresses: u32,
    /// By whisker: where its first kind of spike goes; the next kind is a stride further.
    first: Vec<u32>,
    stride: u32,
}

#[derive(Clone, Debug)]
enum Kind {
    Afferents(Cell),
    Levels(Levels),
}

/// What an encoder remembers of each afferent or each value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Memory {
    Afferents(Vec<Membrane>),
    Levels(Vec<Level>),
}

/// The state of a port of frames.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Encoding {
    /// The last frame \[µs\].
    pub(crate) last_us: Option<u64>,
    /// Its values were held through the whole gap behind it.
    pub(crate) is_held: bool,
    /// No frame will come any more.
    pub(crate) is_over: bool,
    /// The last values that there were.
    pub(crate) values: Vec<f32>,
    pub(crate) memory: Memory,
    /// Encoded, in order; those before `taken` are gone.
    pub(crate) ready: Vec<InputEvent>,
    taken: usize,
}

/// Where the spikes of a stretch of time go.
struct Sink<'a> {
    ready: &'a mut Vec<InputEvent>,
    from_us: u64,
    to_us: u64,
}

impl Sink<'_> {
    /// A spike so long after the stretch began: at the first whole µs then or later.
    fn emit(&mut self, after_s: f64, address: u32) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let after_us = (after_s * 1e6).ceil() as u64;
        let time_us = self.from_us.saturating_add(after_us).min(self.to_us);
        self.ready.push(InputEvent { time_us, address, multiplicity: 1 });
    }

    /// How long the stretch is \[s\].
    fn span_s(&self) -> f64 {
        (self.to_us - self.from_us) as f64 / 1e6
    }
}

impl FramePlan {
    /// Of a description that has been checked.
    pub(crate) fn new(source: &Arc<FrameSource>) -> Self {
        let [channels, rows, columns] = source.encoded_shape();
        let kind = match &source.encoder {
            FrameEncoder::Afferents(afferents) => Kind::Afferents(Cell::new(afferents)),
            FrameEncoder::LevelCrossing(levels) => Kind::Levels(Levels::new(levels)),
        };
        Self {
            source: Arc::clone(source),
            kind,
            addresses: channels * rows * columns,
            first: source.whiskers.iter().map(|whisker| source.address(whisker, 0)).collect(),
            stride: rows * columns,
        }
    }

    fn address(&self, whisker: usize, kind: usize) -> u32 {
        self.first[whisker] + crate::sums::to_u32(kind) * self.stride
    }

    /// An encoder that has seen nothing.
    pub(crate) fn at_start(&self) -> Encoding {
        let whiskers = self.first.len();
        let values = vec![0.0; whiskers * COMPONENT_COUNT as usize];
        let memory = match &self.kind {
            Kind::Afferents(cell) => {
                Memory::Afferents(vec![Membrane::default(); whiskers * cell.kinds()])
            }
            Kind::Levels(_) => Memory::Levels(vec![Level::default(); values.len()]),
        };
        Encoding {
            last_us: None,
            is_held: false,
            is_over: false,
            values,
            memory,
            ready: Vec::new(),
            taken: 0,
        }
    }

    /// Size of an [`Encoding`] \[bytes\].
    pub(crate) fn memory_bytes(&self) -> u64 {
        let whiskers = self.first.len() as u64;
        let values = whiskers * u64::from(COMPONENT_COUNT);
        4 * values
            + match &self.kind {
                Kind::Afferents(cell) => {
                    whiskers * cell.kinds() as u64 * size_of::<Membrane>() as u64
                }
                Kind::Levels(_) => values * size_of::<Level>() as u64,
            }
    }
}

impl Encoding {
    /// Time below which everything is decided, for a door and its promise \[µs\].
    pub(crate) fn closed_us(&self, plan: &FramePlan, door: &Door) -> u64 {
        let last_us = door.ready().last().map(|sample| sample.time_us).or(self.last_us);
        match last_us {
            Some(last_us) if !self.may_hold(plan, last_us, door.promise_us) => {
                door.promise_us.min(last_us.saturating_add(1))
            }
            _ => door.promise_us,
        }
    }

    /// Whatever comes behind this frame comes after a gap.
    fn may_hold(&self, plan: &FramePlan, last_us: u64, promise_us: u64) -> bool {
        self.is_over || promise_us > last_us.saturating_add(plan.source.gap_us)
    }

    /// Encodes the frames that the door has ready: those before a time, and further ones until
    /// there is a spike.
    pub(crate) fn fill(&mut self, plan: &FramePlan, door: &mut Door, until_us: u64) {
        forget_taken(&mut self.ready, &mut self.taken);
        while self.taken == self.ready.len() || self.last_us.is_none_or(|last| last < until_us) {
            let Some(time_us) = door.next_us() else { break };
            self.come_to(plan, time_us, door.take_before(time_us.saturating_add(1)));
        }
        if door.next_us().is_none()
            && let Some(last_us) = self.last_us
            && !self.is_held
            && self.may_hold(plan, last_us, door.promise_us)
        {
            self.hold(plan, last_us);
        }
    }

    /// Takes a frame: what lies before it, then its values. What it leaves out stays.
    fn come_to(&mut self, plan: &FramePlan, time_us: u64, samples: &[InputEvent]) {
        let before = self.values.clone();
        for sample in samples {
            self.values[sample.address as usize] = sample.value();
        }
        if let Some(last_us) = self.last_us {
            let gap_us = plan.source.gap_us;
            if self.is_held || time_us - last_us > gap_us {
                let after = std::mem::replace(&mut self.values, before.clone());
                if !self.is_held {
                    self.hold(plan, last_us);
                }
                self.values = after;
                self.rest(plan, last_us.saturating_add(gap_us).min(time_us), time_us);
                self.stretch(plan, time_us, time_us, &before);
            } else {
                self.stretch(plan, last_us, time_us, &before);
            }
        } else {
            self.begin(samples);
        }
        self.last_us = Some(time_us);
        self.is_held = false;
    }

    /// Levels count from the first value.
    fn begin(&mut self, samples: &[InputEvent]) {
        if let Memory::Levels(levels) = &mut self.memory {
            for sample in samples {
                levels[sample.address as usize].begin(sample.value());
            }
        }
    }

    /// Values run from those before to those that are; with no time between, they jump.
    fn stretch(&mut self, plan: &FramePlan, from_us: u64, to_us: u64, before: &[f32]) {
        let Self { values, memory, ready, .. } = self;
        let first = ready.len();
        let mut sink = Sink { ready, from_us, to_us };
        match (&plan.kind, memory) {
            (Kind::Afferents(cell), Memory::Afferents(membranes)) if to_us > from_us => {
                cell.stretch(plan, membranes, before, values, &mut sink);
            }
            (Kind::Levels(step), Memory::Levels(levels)) => {
                step.stretch(plan, levels, before, values, &mut sink);
            }
            _ => {}
        }
        sort(&mut self.ready[first..]);
    }

    /// The last values stay for the length of a gap.
    fn hold(&mut self, plan: &FramePlan, last_us: u64) {
        let held = self.values.clone();
        self.stretch(plan, last_us, last_us.saturating_add(plan.source.gap_us), &held);
        self.is_held = true;
    }

    /// Nothing is felt.
    fn rest(&mut self, plan: &FramePlan, from_us: u64, to_us: u64) {
        if let (Kind::Afferents(cell), Memory::Afferents(membranes)) =
            (&plan.kind, &mut self.memory)
        {
            cell.rest(membranes, (to_us - from_us) as f64 / 1e6);
        }
    }

    /// Time of the first spike that is there \[µs\].
    pub(crate) fn next_us(&self) -> Option<u64> {
        self.ready.get(self.taken).map(|spike| spike.time_us)
    }

    /// Takes the spikes before a time, in order.
    pub(crate) fn take_before(&mut self, end_us: u64) -> &[InputEvent] {
        let first = self.taken;
        self.taken += self.ready[first..].partition_point(|spike| spike.time_us < end_us);
        &self.ready[first..self.taken]
    }

    /// The spikes that are left.
    pub(crate) fn left(&self) -> &[InputEvent] {
        &self.ready[self.taken..]
    }
}

fn sort(spikes: &mut [InputEvent]) {
    spikes.sort_unstable_by_key(|spike| (spike.time_us, spike.address));
}
