//! Frames on their way to a port that takes them: in order of time, each value sound or counted.
//!
//! A value becomes one sample for the core. What is wrong with a frame's time concerns all of its
//! values; what is wrong with a value concerns that value, and its channel keeps the last good one.

use sim_core::{
    InputEvent,
    network::{BadValue, FrameSource},
};
use spiked_proto::{
    layout::frames::{Frames, FramesError},
    v1::{self, Reason},
};

use super::{
    Producer, Protocol,
    judge::{Taken, Target},
    refusal::Refusal,
};
use crate::session::{
    codec::{Damaged, Reader, Writer},
    settings::Policy,
};

impl Protocol {
    /// Frames of a port come from one producer, for the order among several would be chance.
    pub(super) fn check_only_one(
        &self,
        producer: usize,
        batch: &v1::EventBatch,
    ) -> Result<(), Refusal> {
        let (sequence, port) = (batch.sequence, batch.port);
        let others = self.producers.iter().enumerate().filter(|(index, _)| *index != producer);
        let holds = |other: &Producer| {
            let flow = other.ports.get(port as usize).and_then(|port| port.frames.as_ref());
            flow.is_some_and(|flow| flow.last_us.is_some())
        };
        match others.into_iter().find(|(_, other)| holds(other)) {
            None => Ok(()),
            Some((index, _)) => {
                let other = &self.settings.producers[index];
                let message =
                    format!("batch {sequence}: producer {other:?} sends frames to port {port}");
                Err(Refusal::new(Reason::SessionConflict, sequence, message))
            }
        }
    }

    /// By input port: values of a frame, where it takes frames.
    pub(crate) fn frame_channels(&self) -> Vec<Option<u32>> {
        let ports = self.producers.first().map_or(&[][..], |producer| producer.ports.as_slice());
        ports.iter().map(|port| port.frames.as_ref().map(|_| port.addresses())).collect()
    }

    /// Where time stands below one that is promised, because a port waits for its next frame \[µs\].
    pub(crate) fn waits_for_frame(&self, time_us: u64) -> Option<u64> {
        let flows = self.producers.iter().flat_map(|producer| &producer.ports);
        flows.filter_map(|port| port.frames.as_ref()?.stands_at(time_us)).min()
    }

    /// The last frame of a port, if it isn't before a time: what lies before that time is known only
    /// once the frame is closed, too \[µs\].
    pub(crate) fn frame_from(&self, time_us: u64) -> Option<u64> {
        let flows = self.producers.iter().flat_map(|producer| &producer.ports);
        let lasts = flows.filter_map(|port| port.frames.as_ref()?.last_us);
        lasts.filter(|&last_us| last_us >= time_us).max()
    }
}

/// What a producer's frames for one port have come to.
#[derive(Debug)]
pub(super) struct FrameFlow {
    value_max: f32,
    holds: bool,
    /// See [`FrameSource::gap_us`].
    gap_us: u64,
    /// The last frame, whatever became of it \[µs\].
    pub(super) last_us: Option<u64>,
    /// Values that were bad.
    pub(super) bad_values: u64,
}

impl FrameFlow {
    pub(super) fn new(source: &FrameSource) -> Self {
        Self {
            value_max: source.value_max,
            holds: source.bad_value == BadValue::Hold,
            gap_us: source.gap_us,
            last_us: None,
            bad_values: 0,
        }
    }

    /// Where time stands, for a promise, while the next frame is waited for \[µs\].
    pub(super) fn stands_at(&self, promise_us: u64) -> Option<u64> {
        let last_us = self.last_us?;
        let closed_us = last_us.saturating_add(1);
        let waits = promise_us > closed_us && promise_us <= last_us.saturating_add(self.gap_us);
        waits.then_some(closed_us)
    }

    /// Appends the sound values of frames.
    pub(super) fn take(
        &mut self,
        port: &str,
        sequence: u64,
        frames: &Frames<'_>,
        target: &Target<'_>,
        out: &mut Vec<InputEvent>,
    ) -> Taken {
        let channels = u64::from(frames.channels());
        let mut taken = Taken { seen: frames.values(), ..Taken::default() };
        let mut position = 0;
        for (time_us, values) in frames.iter() {
            let place = Place { port, sequence, position, target };
            if let Some(refusal) = self.fault_of_time(time_us, &place) {
                if target.settings.late_event == Policy::Fail {
                    taken.fatal = Some(refusal);
                    return taken;
                }
                taken.drops.late += channels;
                note(&mut taken, refusal);
            } else {
                let before = out.len();
                self.last_us = Some(time_us);
                if let Some(fatal) = self.take_values(time_us, values, &place, &mut taken, out) {
                    out.truncate(before);
                    taken.fatal = Some(fatal);
                    return taken;
                }
            }
            position += channels;
        }
        taken
    }

    fn fault_of_time(&self, time_us: u64, place: &Place<'_>) -> Option<Refusal> {
        let promise_us = place.target.promise_us;
        if time_us < promise_us {
            let what = format!("a frame at {time_us} us is below the promise, {promise_us} us");
            return Some(place.refuse(Reason::Late, 0, &what));
        }
        let last_us = self.last_us.filter(|&last_us| time_us <= last_us)?;
        let what = format!("a frame at {time_us} us is not after the one before, {last_us} us");
        Some(place.refuse(Reason::Late, 0, &what))
    }

    /// Appends a frame's sound values, unless one is bad and ends the input.
    fn take_values(
        &mut self,
        time_us: u64,
        values: impl Iterator<Item = f32>,
        place: &Place<'_>,
        taken: &mut Taken,
        out: &mut Vec<InputEvent>,
    ) -> Option<Refusal> {
        for (channel, value) in (0_u32..).zip(values) {
            if value.abs() <= self.value_max {
                out.push(InputEvent::sample(time_us, channel, value));
                continue;
            }
            self.bad_values += 1;
            taken.drops.values += 1;
            if self.holds {
                continue;
            }
            let what = format!(
                "whisker {}, component {}: {value} where magnitudes up to {} are taken",
                channel / sim_core::network::COMPONENT_COUNT,
                channel % sim_core::network::COMPONENT_COUNT,
                self.value_max
            );
            let refusal = place.refuse(Reason::ValueInvalid, channel, &what);
            if place.target.settings.bad_event == Policy::Fail {
                return Some(refusal);
            }
            note(taken, refusal);
        }
        None
    }

    pub(super) fn save(&self, out: &mut Writer) {
        out.option(self.last_us);
        out.u64(self.bad_values);
    }

    pub(super) fn load(&mut self, from: &mut Reader<'_>) -> Result<(), Damaged> {
        self.last_us = from.option()?;
        self.bad_values = from.tally()?;
        Ok(())
    }
}

/// Where a frame stands.
struct Place<'a> {
    port: &'a str,
    sequence: u64,
    /// Of its first value in the batch.
    position: u64,
    target: &'a Target<'a>,
}

impl Place<'_> {
    fn refuse(&self, reason: Reason, channel: u32, what: &str) -> Refusal {
        let position = self.position + u64::from(channel);
        let number = self.target.events_before + position + 1;
        let Self { port, sequence, .. } = *self;
        let message = format!("batch {sequence}, value {position} of port {port:?}: {what}");
        Refusal {
            position_in_batch: u32::try_from(position).ok(),
            event_number: Some(number),
            ..Refusal::new(reason, sequence, message)
        }
    }
}

/// The first of its cause is told.
fn note(taken: &mut Taken, refusal: Refusal) {
    if !taken.refusals.iter().any(|known| known.reason == refusal.reason) {
        taken.refusals.push(refusal);
    }
}

/// What is wrong with a batch as a whole.
pub(super) fn refusal(sequence: u64, error: &FramesError) -> Refusal {
    let reason = match error {
        FramesError::Ragged { .. } => Reason::PayloadLength,
        FramesError::Count { .. } => Reason::PayloadCount,
        _ => Reason::FieldInvalid,
    };
    Refusal::new(reason, sequence, format!("batch {sequence}: {error}"))
}

/// A batch of frames in the form in which it is numbered, journaled and judged.
pub(crate) fn packed(batch: &v1::FrameBatch) -> Result<v1::EventBatch, Refusal> {
    use spiked_proto::layout::frames::{HEADER_BYTES, Sampling, VALUE_BYTES, header};
    let v1::FrameBatch { sequence, channels, base_time_ns, .. } = *batch;
    let frame_bytes = u64::from(channels) * VALUE_BYTES as u64;
    let length = batch.payload.len() as u64;
    let count = length.checked_div(frame_bytes).and_then(|count| u32::try_from(count).ok());
    let Some(count) = count else {
        let message = format!("batch {sequence}: frames of {channels} values");
        return Err(Refusal::new(Reason::LayoutMismatch, sequence, message));
    };
    let sampling = Sampling { period_ns: batch.sample_period_ns, base_ns: base_time_ns };
    let mut payload = Vec::with_capacity(HEADER_BYTES + batch.payload.len());
    payload.extend_from_slice(&header(sampling, channels));
    payload.extend_from_slice(&batch.payload);
    Ok(v1::EventBatch {
        sequence,
        port: batch.port,
        base_time_us: batch.base_time_us,
        layout: v1::Layout::Frames.into(),
        count,
        payload: payload.into(),
        promise_us: batch.promise_us,
        payload_sha256: bytes::Bytes::new(),
    })
}
