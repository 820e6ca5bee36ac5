//! One producer of a session: its numbering, its ports' decoders, its promise and its credit.

use sim_core::{InputEvent, InputId, Plan};
use spiked_proto::v1;

use super::{
    Status, bit,
    input::Port,
    judge::{Taken, Target},
    outstanding::Outstanding,
    refusal::Refusal,
    sequence::{Numbers, Place},
};
use crate::session::{
    chunk::{Chunk, Op},
    settings::{Capacity, Overload, Settings},
};

/// A producer counts as stalled when less than this share of its credit is free.
const STALL_SHARE: u64 = 64;
/// Credit of a producer that is never made to wait.
const CREDIT_AMPLE: u64 = 1 << 40;

/// A batch that may be looked into.
pub(super) enum Admitted {
    /// The one expected; `charge` is what it takes of the credit in events.
    Next { digest: u32, charge: u64 },
    /// Accepted before.
    Duplicate,
}

/// How a batch is judged.
pub(super) struct Gate<'a> {
    pub(super) settings: &'a Settings,
    pub(super) capacity: Capacity,
    /// No event below this goes into the simulation \[µs\].
    pub(super) floor_us: u64,
    /// Nothing can be simulated before a promise moves.
    pub(super) idle: bool,
    /// What is read from a journal was admitted once.
    pub(super) replayed: bool,
}

/// What became of an accepted batch's events.
#[derive(Default)]
pub(super) struct Accepted {
    pub(super) taken: Taken,
    /// Entries that were applied, and what they stand for.
    pub(super) entries: u64,
    pub(super) counted: u64,
    /// The latest of them \[µs\].
    pub(super) latest_us: u64,
    /// The latest event, whatever became of it, as far as it was on its port \[µs\].
    pub(super) heard_us: Option<u64>,
}

/// One producer.
#[derive(Debug)]
pub(super) struct Producer {
    pub(super) numbers: Numbers,
    pub(super) status: Status,
    pub(super) ports: Vec<Port>,
    /// No event before this is still to come \[µs\].
    pub(super) promise_us: u64,
    /// The last event applied \[µs\].
    pub(super) last_event_us: u64,
    /// Causes already reported, one bit a reason.
    pub(super) reported: u64,
    pub(super) ended: bool,
    /// What was given to the simulation, and what waits before it.
    pub(super) outstanding: Outstanding,
    pub(super) held: u64,
    /// Events that it may have sent in all. What was granted is never taken back, though EVT3 words
    /// may turn out to hold more events than they are charged for.
    granted: u64,
    /// What its tenant lets it have sent in all, where the tenant has rates.
    allowed: Option<v1::Credit>,
}

impl Producer {
    pub(super) fn new(plan: &Plan, promise_us: u64) -> Self {
        Self {
            numbers: Numbers::default(),
            status: Status::default(),
            ports: plan.inputs().iter().enumerate().map(Port::new).collect(),
            promise_us,
            last_event_us: 0,
            reported: 0,
            ended: false,
            outstanding: Outstanding::default(),
            held: 0,
            granted: 0,
            allowed: None,
        }
    }

    /// Events that it has in the queue, as its credit counts them.
    pub(super) fn waiting(&self) -> u64 {
        self.outstanding.total() + self.held
    }

    /// Takes back the credit of what is simulated, all below `closed_us`, and grants it again.
    pub(super) fn release(&mut self, closed_us: u64, capacity: Capacity) {
        self.outstanding.release(closed_us);
        let gone = self.status.charged_events.saturating_sub(self.waiting());
        self.granted = self.granted.max(gone + capacity.events);
    }

    /// Grants a whole queue beyond what was accepted.
    pub(super) fn grant_anew(&mut self, capacity: Capacity) {
        self.granted = self.granted.max(self.status.charged_events + capacity.events);
    }

    /// How much it may have sent in all.
    pub(super) fn credit(&self, overload: Overload, capacity: Capacity) -> v1::Credit {
        let Status { charged_events, charged_bytes, .. } = self.status;
        if overload != Overload::Block {
            let events = charged_events + CREDIT_AMPLE;
            return v1::Credit { events, bytes: charged_bytes + CREDIT_AMPLE };
        }
        let v1::Credit { events, bytes } = self.room(capacity);
        match self.allowed {
            Some(allowed) => {
                v1::Credit { events: events.min(allowed.events), bytes: bytes.min(allowed.bytes) }
            }
            None => v1::Credit { events, bytes },
        }
    }

    /// What the queue has room for.
    fn room(&self, capacity: Capacity) -> v1::Credit {
        v1::Credit { events: self.granted, bytes: self.status.charged_bytes + capacity.bytes }
    }

    /// Whether its tenant's rate holds it back rather than the queue.
    pub(super) fn is_rate_limited(&self, overload: Overload, capacity: Capacity) -> bool {
        overload == Overload::Block && self.credit(overload, capacity) != self.room(capacity)
    }

    /// Lets it go so much beyond what it has sent. What was granted is never taken back, so one that
    /// was not bounded before keeps what it had.
    pub(super) fn allow(&mut self, left: v1::Credit, overload: Overload, capacity: Capacity) {
        let granted = self.credit(overload, capacity);
        let before = self.allowed.unwrap_or(granted);
        let Status { charged_events, charged_bytes, .. } = self.status;
        self.allowed = Some(v1::Credit {
            events: before.events.max(charged_events.saturating_add(left.events)),
            bytes: before.bytes.max(charged_bytes.saturating_add(left.bytes)),
        });
    }

    /// Nothing has been sent or granted yet.
    pub(super) fn allow_from_scratch(&mut self) {
        if self.status.charged_events == 0 && self.status.charged_bytes == 0 {
            self.allowed = Some(v1::Credit::default());
        }
    }

    pub(super) fn allow_all(&mut self) {
        self.allowed = None;
    }

    /// What a batch would take of the credit in events; nothing where it makes no sense.
    pub(super) fn charge_of(&self, batch: &v1::EventBatch) -> u64 {
        if matches!(self.numbers.place(batch), Ok(Place::Duplicate)) {
            return 0;
        }
        self.port(batch).and_then(|port| port.check(batch)).unwrap_or(0)
    }

    pub(super) fn is_stalled(&self, gate: &Gate<'_>) -> bool {
        let free = gate.capacity.events.saturating_sub(self.waiting());
        gate.settings.overload == Overload::Block
            && gate.idle
            && free <= gate.capacity.events / STALL_SHARE
    }

    /// Everything that can be said of a batch before its events are looked at.
    pub(super) fn admit(
        &self,
        batch: &v1::EventBatch,
        gate: &Gate<'_>,
    ) -> Result<Admitted, Refusal> {
        let Place::Next(digest) = self.numbers.place(batch)? else {
            return Ok(Admitted::Duplicate);
        };
        if !batch.payload_sha256.is_empty() {
            return Err(Refusal::unimplemented(batch.sequence, "payload_sha256"));
        }
        let charge = self.port(batch)?.check(batch)?;
        if !gate.replayed {
            self.check_credit(batch, charge, gate)?;
        }
        if let Some(promise_us) = batch.promise_us {
            self.check_promise(batch.sequence, promise_us)?;
        }
        Ok(Admitted::Next { digest, charge })
    }

    fn check_credit(
        &self,
        batch: &v1::EventBatch,
        charge: u64,
        gate: &Gate<'_>,
    ) -> Result<(), Refusal> {
        let credit = self.credit(gate.settings.overload, gate.capacity);
        let events_left = credit.events.saturating_sub(self.status.charged_events);
        let bytes_left = credit.bytes.saturating_sub(self.status.charged_bytes);
        if charge <= events_left && batch.payload.len() as u64 <= bytes_left {
            return Ok(());
        }
        if self.is_stalled(gate) {
            return Err(Refusal::stalled(self.waiting(), gate.floor_us).of(batch.sequence));
        }
        Err(Refusal::credit(batch, charge, events_left, bytes_left))
    }

    fn port(&self, batch: &v1::EventBatch) -> Result<&Port, Refusal> {
        let port = usize::try_from(batch.port).ok().and_then(|index| self.ports.get(index));
        port.ok_or_else(|| Refusal::port(batch.sequence, batch.port, self.ports.len()))
    }

    pub(super) fn check_promise(&self, sequence: u64, promise_us: u64) -> Result<(), Refusal> {
        if promise_us >= self.promise_us {
            return Ok(());
        }
        Err(Refusal::promise(sequence, promise_us, self.promise_us))
    }

    /// Readies an admitted batch's port for it; says where the batch begins \[µs\].
    pub(super) fn prepare(&mut self, batch: &v1::EventBatch) -> Option<u64> {
        let port = &mut self.ports[batch.port as usize];
        port.prepare(batch);
        port.first_time(batch)
    }

    /// Judges the events of a prepared batch; the sound ones go into `sink`, or are dropped by the
    /// overload policy.
    pub(super) fn accept(
        &mut self,
        batch: &v1::EventBatch,
        dropped: bool,
        gate: &Gate<'_>,
        sink: &mut Chunk,
    ) -> Accepted {
        let before = sink.events.len();
        let target = Target {
            settings: gate.settings,
            promise_us: self.promise_us.max(gate.floor_us),
            events_before: self.status.events_seen,
        };
        let port = &mut self.ports[batch.port as usize];
        let taken = port.take(batch, &target, &mut sink.events);
        let applied = &sink.events[before..];
        let counted = match port.frames {
            Some(_) => applied.len() as u64,
            None => applied.iter().map(|event| u64::from(event.multiplicity)).sum(),
        };
        let port = port.id();
        let heard_us = latest(applied);
        let latest_us = heard_us.unwrap_or(0);
        add(&mut self.status.drops, &taken.drops);
        if dropped {
            sink.events.truncate(before);
            self.status.drops.overload += counted;
            return Accepted { taken, heard_us, ..Accepted::default() };
        }
        let entries = self.apply(port, before, counted, latest_us, sink);
        Accepted { taken, entries, counted, latest_us, heard_us }
    }

    fn apply(
        &mut self,
        port: InputId,
        before: usize,
        counted: u64,
        latest_us: u64,
        sink: &mut Chunk,
    ) -> u64 {
        let count = sink.events.len() - before;
        if count > 0 {
            sink.push(Op::Events { port, count });
        }
        self.last_event_us = self.last_event_us.max(latest_us);
        self.status.events_applied += count as u64;
        self.status.events_counted += counted;
        count as u64
    }

    /// The batch is accepted: it has its number, and what it took of the credit.
    pub(super) fn commit(&mut self, batch: &v1::EventBatch, digest: u32, charge: u64, seen: u64) {
        self.numbers.accept(batch, digest);
        self.status.accepted = self.numbers.accepted();
        self.status.events_seen += seen;
        self.status.charged_events += charge;
        self.status.charged_bytes += batch.payload.len() as u64;
        // Whoever sends what was expected is back on the way; the next mistake is news.
        self.reported &= !(bit(v1::Reason::SequenceGap) | bit(v1::Reason::SequenceConflict));
    }

    /// Fatal errors are always told, others once a cause.
    pub(super) fn report(&mut self, refusal: &Refusal, fatal: bool) -> Option<v1::Error> {
        let bit = bit(refusal.reason);
        let news = fatal || self.reported & bit == 0;
        self.reported |= bit;
        news.then(|| refusal.to_error(fatal))
    }
}

fn latest(events: &[InputEvent]) -> Option<u64> {
    events.iter().map(|event| event.time_us).max()
}

fn add(sum: &mut v1::Drops, more: &v1::Drops) {
    sum.late += more.late;
    sum.outside += more.outside;
    sum.multiplicity += more.multiplicity;
    sum.words += more.words;
    sum.values += more.values;
}
