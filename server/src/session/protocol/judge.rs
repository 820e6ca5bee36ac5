//! Which of a batch's events are sound, and what happens to the others.
//!
//! One pass over the payload: events are placed as if all were sound, and whether they were is one
//! flag. Only if it falls does a second, slower pass find the bad ones and apply the policy.

use sim_core::InputEvent;
use spiked_proto::{
    layout::{
        PackedError,
        address::{AddressEvent, CountedAddressEvent},
        camera::CameraEvent,
    },
    v1::{self, Reason},
};

use super::{input::Port, refusal::Refusal};
use crate::session::settings::{Policy, Settings};

/// By what a batch's events are judged.
pub(super) struct Target<'a> {
    pub(super) settings: &'a Settings,
    pub(super) promise_us: u64,
    /// Events of the producer before this batch.
    pub(super) events_before: u64,
}

/// What became of a batch's events.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) drops: v1::Drops,
    /// The first dropped event of each cause.
    pub(super) refusals: Vec<Refusal>,
    /// The event at which the input ends.
    pub(super) fatal: Option<Refusal>,
    /// Events in the batch.
    pub(super) seen: u64,
}

/// Judges the events of one batch.
pub(super) struct Judge<'a> {
    pub(super) port: &'a Port,
    pub(super) sequence: u64,
    pub(super) target: &'a Target<'a>,
    /// What was lost before.
    pub(super) drops: v1::Drops,
}

/// An event of some layout that can say where it was meant to go.
pub(super) trait Candidate: Clone {
    /// As in "pixel (700, 3)", where that says more than an address.
    fn pixel(&self) -> Option<(u16, u16)> {
        None
    }
}

impl Candidate for AddressEvent {}
impl Candidate for Result<CountedAddressEvent, PackedError> {}
impl Candidate for CameraEvent {
    fn pixel(&self) -> Option<(u16, u16)> {
        Some((self.x, self.y))
    }
}

impl Judge<'_> {
    /// Appends the sound ones.
    pub(super) fn take<E: Candidate>(
        self,
        candidates: impl ExactSizeIterator<Item = E> + Clone,
        out: &mut Vec<InputEvent>,
        place: impl Fn(E) -> (InputEvent, bool),
    ) -> Taken {
        let (before, seen) = (out.len(), candidates.len() as u64);
        let promise_us = self.target.promise_us;
        let mut all_sound = true;
        out.extend(candidates.clone().map(|candidate| {
            let (event, inside) = place(candidate);
            all_sound &= inside & (event.time_us >= promise_us);
            event
        }));
        if all_sound {
            return Taken { drops: self.drops, seen, ..Taken::default() };
        }
        out.truncate(before);
        Taken { seen, ..self.sort_out(candidates, out, place) }
    }

    /// The slow pass: something among the candidates is bad.
    fn sort_out<E: Candidate>(
        &self,
        candidates: impl Iterator<Item = E>,
        out: &mut Vec<InputEvent>,
        place: impl Fn(E) -> (InputEvent, bool),
    ) -> Taken {
        let mut taken = Taken { drops: self.drops, ..Taken::default() };
        for (position, candidate) in (0_u32..).zip(candidates) {
            let pixel = candidate.pixel();
            let (event, inside) = place(candidate);
            let Some(reason) = self.fault(&event, inside) else {
                out.push(event);
                continue;
            };
            let refusal = || self.refusal(reason, position, &event, pixel);
            if refusal_policy(reason, self.target.settings) == Policy::Fail {
                taken.fatal = Some(refusal());
                break;
            }
            // An entry that stands for no event is still one thing refused.
            *count_of(&mut taken.drops, reason) += u64::from(event.multiplicity.max(1));
            if !taken.refusals.iter().any(|known| known.reason == reason) {
                taken.refusals.push(refusal());
            }
        }
        taken
    }

    fn fault(&self, event: &InputEvent, inside: bool) -> Option<Reason> {
        if event.multiplicity == 0 {
            Some(Reason::Multiplicity)
        } else if !inside {
            Some(Reason::AddressOutside)
        } else {
            (event.time_us < self.target.promise_us).then_some(Reason::Late)
        }
    }

    fn refusal(
        &self,
        reason: Reason,
        position: u32,
        event: &InputEvent,
        pixel: Option<(u16, u16)>,
    ) -> Refusal {
        let number = self.target.events_before + u64::from(position) + 1;
        let what = match (reason, pixel, self.port.sensor()) {
            (Reason::Late, ..) => format!(
                "time {} us is below the promise, {} us",
                event.time_us, self.target.promise_us
            ),
            (Reason::Multiplicity, ..) => "multiplicity 0 stands for no event".to_owned(),
            (_, Some((x, y)), Some(sensor)) => {
                format!("pixel ({x}, {y}) is outside the {sensor} sensor")
            }
            _ => self.port.describe_outside(event.address),
        };
        let message =
            format!("batch {}, position {position} (event {number}): {what}", self.sequence);
        Refusal {
            position_in_batch: Some(position),
            event_number: Some(number),
            ..Refusal::new(reason, self.sequence, message)
        }
    }
}

fn refusal_policy(reason: Reason, settings: &Settings) -> Policy {
    if reason == Reason::Late { settings.late_event } else { settings.bad_event }
}

fn count_of(drops: &mut v1::Drops, reason: Reason) -> &mut u64 {
    match reason {
        Reason::Late => &mut drops.late,
        Reason::Multiplicity => &mut drops.multiplicity,
        _ => &mut drops.outside,
    }
}
