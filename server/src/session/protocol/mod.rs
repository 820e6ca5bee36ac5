//! The session protocol: what one producer's messages mean, as a value with methods.
//!
//! No sockets, no clock, no threads: messages and the queue's level go in, checked events and
//! refusals come out ([`Actions`]). Invariants: batches are accepted once and in order; every
//! event of an accepted batch is applied or counted as dropped; an event that is applied lies on
//! its port, at or above the promise. A session has one producer today; several would be several of
//! these values, with the smallest of their promises as a port's.

mod input;
mod judge;
mod refusal;
mod sequence;
mod state;
#[cfg(test)]
mod tests;

use sim_core::{InputEvent, Plan, TickLength};
use spiked_proto::v1;

pub(crate) use self::refusal::Refusal;
use self::{
    input::Port,
    judge::Target,
    sequence::{Numbers, Place},
};
use super::{
    chunk::{Chunk, Op},
    positions::Level,
    settings::{Origin, Policy, Settings},
};

/// The queue counts as stalled when less than this share of it is free and nothing can move.
const STALL_SHARE: u64 = 64;

/// What a message led to.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    /// Goes to the simulation.
    pub(crate) chunk: Chunk,
    /// Goes to the producer.
    pub(crate) errors: Vec<v1::Error>,
}

/// Where the producer stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// Batches up to here are in order, checked and on their way.
    pub(crate) accepted: u64,
    /// Events in accepted batches, whatever became of them.
    pub(crate) events_seen: u64,
    /// Entries handed to the simulation; what the queue holds is counted in these.
    pub(crate) events_applied: u64,
    /// The events that they stand for: an entry of a multiplicity of three is three events.
    pub(crate) events_counted: u64,
    /// Events dropped, by cause.
    pub(crate) drops: v1::Drops,
    /// Batches recognised as duplicates.
    pub(crate) duplicates: u64,
    /// What accepted batches used up of the credit.
    pub(crate) charged_events: u64,
    /// What accepted batches used up of the credit.
    pub(crate) charged_bytes: u64,
    /// Messages refused, each with the error or after one of its kind.
    pub(crate) refused: u64,
}

/// A batch that may be looked into.
enum Admitted {
    /// The one expected; `charge` is what it takes of the credit in events.
    Next { digest: u32, charge: u64 },
    /// Accepted before.
    Duplicate,
}

/// One producer of one session.
#[derive(Debug)]
pub(crate) struct Protocol {
    settings: Settings,
    tick: TickLength,
    run_on_us: u64,
    ports: Vec<Port>,
    numbers: Numbers,
    status: Status,
    /// Tick 0 on the sender's clock \[µs\], once it is known.
    origin_us: Option<u64>,
    /// No event before this is still to come \[µs\].
    promise_us: u64,
    /// The last event applied \[µs\].
    last_event_us: u64,
    /// Causes already reported, one bit a reason.
    reported: u64,
    ended: bool,
}

impl Protocol {
    /// The protocol of a session at its start.
    pub(crate) fn new(settings: Settings, plan: &Plan) -> Self {
        let origin_us = match settings.origin {
            Origin::Time(time_us) => Some(time_us),
            Origin::FirstBatch => None,
        };
        Self {
            tick: plan.tick(),
            run_on_us: settings.run_on_us.unwrap_or_else(|| longest_path_us(plan)),
            ports: plan.inputs().iter().enumerate().map(Port::new).collect(),
            numbers: Numbers::default(),
            status: Status::default(),
            origin_us,
            promise_us: origin_us.unwrap_or(0),
            last_event_us: 0,
            reported: 0,
            ended: false,
            settings,
        }
    }

    /// Where the producer stands.
    pub(crate) fn status(&self) -> &Status {
        &self.status
    }

    /// The time below which everything may run \[µs\].
    pub(crate) fn closed_us(&self) -> u64 {
        let ends_us = if self.ended { self.run_to_us() } else { None };
        ends_us.unwrap_or(self.promise_us)
    }

    /// What the session was opened with.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A numbered batch of events.
    pub(crate) fn batch(&mut self, batch: &v1::EventBatch, level: &Level, out: &mut Actions) {
        if self.ended {
            self.status.refused += 1;
            return;
        }
        match self.admit(batch, level) {
            Ok(Admitted::Next { digest, charge }) => self.accept(batch, digest, charge, out),
            Ok(Admitted::Duplicate) => self.status.duplicates += 1,
            Err(refusal) => self.refuse(&refusal, out),
        }
    }

    /// Moves the promise without events.
    pub(crate) fn heartbeat(&mut self, promise_us: u64, out: &mut Actions) {
        if self.ended {
            return;
        }
        match self.check_promise(0, promise_us) {
            Ok(()) => self.promise(promise_us, out),
            Err(refusal) => self.refuse(&refusal, out),
        }
    }

    /// A message that has no place here.
    pub(crate) fn refuse(&mut self, refusal: &Refusal, out: &mut Actions) {
        self.status.refused += 1;
        if self.ended {
            return;
        }
        let fatal = refusal.policy(&self.settings) == Policy::Fail;
        self.report(refusal, fatal, out);
        if fatal {
            self.finish(true, out);
        }
    }

    /// No batch will follow.
    pub(crate) fn end(&mut self, out: &mut Actions) {
        self.finish(false, out);
    }

    /// Tells a producer, once, that only a promise can make room for more.
    pub(crate) fn check_stall(&mut self, level: &Level, out: &mut Actions) {
        if self.ended {
            return;
        }
        if self.is_stalled(level) {
            let refusal = Refusal::stalled(level.waiting, self.promise_us);
            self.report(&refusal, false, out);
        } else {
            self.reported &= !bit(v1::Reason::PromiseStalled);
        }
    }

    fn is_stalled(&self, level: &Level) -> bool {
        let free = level.credit.events.saturating_sub(self.status.charged_events);
        level.idle && free <= (level.waiting + free) / STALL_SHARE && level.waiting > 0
    }

    /// Everything that can be said of a batch before its events are looked at.
    fn admit(&self, batch: &v1::EventBatch, level: &Level) -> Result<Admitted, Refusal> {
        let Place::Next(digest) = self.numbers.place(batch)? else {
            return Ok(Admitted::Duplicate);
        };
        if !batch.payload_sha256.is_empty() {
            return Err(Refusal::unimplemented(batch.sequence, "payload_sha256"));
        }
        let port = self.port(batch)?;
        let charge = port.check(batch)?;
        let events_left = level.credit.events.saturating_sub(self.status.charged_events);
        let bytes_left = level.credit.bytes.saturating_sub(self.status.charged_bytes);
        if charge > events_left || batch.payload.len() as u64 > bytes_left {
            if self.is_stalled(level) {
                return Err(Refusal::stalled(level.waiting, self.promise_us).of(batch.sequence));
            }
            return Err(Refusal::credit(batch, charge, events_left, bytes_left));
        }
        if let Some(promise_us) = batch.promise_us {
            self.check_promise(batch.sequence, promise_us)?;
        }
        Ok(Admitted::Next { digest, charge })
    }

    fn port(&self, batch: &v1::EventBatch) -> Result<&Port, Refusal> {
        let port = usize::try_from(batch.port).ok().and_then(|index| self.ports.get(index));
        port.ok_or_else(|| Refusal::port(batch.sequence, batch.port, self.ports.len()))
    }

    fn check_promise(&self, sequence: u64, promise_us: u64) -> Result<(), Refusal> {
        if promise_us >= self.promise_us {
            return Ok(());
        }
        Err(Refusal::promise(sequence, promise_us, self.promise_us))
    }

    /// Applies a batch that is in order and whole; its events are yet to be judged.
    fn accept(&mut self, batch: &v1::EventBatch, digest: u32, charge: u64, out: &mut Actions) {
        let before = out.chunk.events.len();
        let first_us = self.prepare(batch);
        self.begin_at(first_us, out);
        let target = Target {
            settings: &self.settings,
            promise_us: self.promise_us,
            events_before: self.status.events_seen,
        };
        let port = &self.ports[batch.port as usize];
        let taken = port.take(batch, &target, &mut out.chunk.events);
        let applied = &out.chunk.events[before..];
        self.last_event_us = latest(applied, self.last_event_us);
        let events = applied.iter().map(|event| u64::from(event.multiplicity));
        self.status.events_counted += events.sum::<u64>();
        let count = applied.len();
        if count > 0 {
            out.chunk.push(Op::Events { port: port.id(), count });
        }
        self.status.events_applied += count as u64;
        add(&mut self.status.drops, &taken.drops);
        for refusal in &taken.refusals {
            self.report(refusal, false, out);
        }
        if let Some(refusal) = taken.fatal {
            // What came before the event is applied; the batch as a whole is not accepted.
            self.refuse(&refusal, out);
            return;
        }
        self.status.events_seen += taken.seen;
        self.commit(batch, digest, charge);
        if let Some(promise_us) = batch.promise_us {
            self.promise(promise_us, out);
        }
    }

    fn commit(&mut self, batch: &v1::EventBatch, digest: u32, charge: u64) {
        self.numbers.accept(batch, digest);
        self.status.accepted = self.numbers.accepted();
        self.status.charged_events += charge;
        self.status.charged_bytes += batch.payload.len() as u64;
        // Whoever sends what was expected is back on the way; the next mistake is news.
        self.reported &= !(bit(v1::Reason::SequenceGap) | bit(v1::Reason::SequenceConflict));
    }

    /// Readies the batch's port for it; says where the batch begins.
    fn prepare(&mut self, batch: &v1::EventBatch) -> Option<u64> {
        let port = &mut self.ports[batch.port as usize];
        port.prepare(batch);
        port.first_time(batch)
    }

    /// The first batch fixes the origin, where none is given.
    fn begin_at(&mut self, first_us: Option<u64>, out: &mut Actions) {
        let (None, Some(time_us)) = (self.origin_us, first_us) else {
            return;
        };
        self.origin_us = Some(time_us);
        out.chunk.push(Op::Origin { time_us });
        if self.promise_us > time_us {
            out.chunk.push(Op::Promise { time_us: self.promise_us });
        }
        self.promise_us = self.promise_us.max(time_us);
    }

    fn promise(&mut self, promise_us: u64, out: &mut Actions) {
        if promise_us == self.promise_us {
            return;
        }
        self.promise_us = promise_us;
        if self.origin_us.is_some() {
            out.chunk.push(Op::Promise { time_us: promise_us });
        }
    }

    fn finish(&mut self, failed: bool, out: &mut Actions) {
        if !self.ended {
            self.ended = true;
            out.chunk.push(Op::End { run_to_us: self.run_to_us(), failed });
        }
    }

    /// The time below which everything runs after the end of input: the last promise, or the tick
    /// after the last event, rounded up to whole ticks, and `run_on` further. Rounded up because
    /// with the input the last tick is over too, and a spike in it travels the whole `run_on`.
    fn run_to_us(&self) -> Option<u64> {
        let origin_us = self.origin_us?;
        let last_us = if self.status.events_applied > 0 { self.last_event_us + 1 } else { 0 };
        let since_us = self.promise_us.max(last_us).saturating_sub(origin_us);
        let tick_ns = u128::from(self.tick.ns());
        let input_ticks = (u128::from(since_us) * 1_000).div_ceil(tick_ns);
        let run_on_ticks = (u128::from(self.run_on_us) * 1_000).div_ceil(tick_ns);
        let run_us = ((input_ticks + run_on_ticks) * tick_ns).div_ceil(1_000);
        Some(origin_us.saturating_add(u64::try_from(run_us).unwrap_or(u64::MAX)))
    }

    /// Fatal errors are always told, others once a cause.
    fn report(&mut self, refusal: &Refusal, fatal: bool, out: &mut Actions) {
        let bit = bit(refusal.reason);
        if fatal || self.reported & bit == 0 {
            self.reported |= bit;
            out.errors.push(refusal.to_error(fatal));
        }
    }
}

const fn bit(reason: v1::Reason) -> u64 {
    1 << (reason as u64 % 64)
}

fn latest(events: &[InputEvent], before: u64) -> u64 {
    events.iter().fold(before, |latest, event| latest.max(event.time_us))
}

fn add(sum: &mut v1::Drops, more: &v1::Drops) {
    sum.late += more.late;
    sum.outside += more.outside;
    sum.multiplicity += more.multiplicity;
    sum.words += more.words;
}

/// The network's longest path of delays \[µs\], rounded up.
fn longest_path_us(plan: &Plan) -> u64 {
    let ns = u128::from(plan.cost().longest_path_ticks) * u128::from(plan.tick().ns());
    u64::try_from(ns.div_ceil(1_000)).unwrap_or(u64::MAX)
}
