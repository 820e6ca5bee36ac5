//! The session protocol: what producers' messages mean, as a value with methods.
//!
//! No sockets, no clock, no threads: messages, the queue's level and the time go in, checked events
//! and refusals come out ([`Actions`]). Invariants: batches are accepted once and in order; every
//! event of an accepted batch is applied or counted as dropped, by cause; an event that is applied
//! lies on its port, at or above the session's promise, which is the smallest of its producers'
//! or, under live pace, what the clock says, whichever is later.

mod backlog;
mod frames;
mod input;
mod judge;
mod live;
mod outstanding;
mod overload;
mod producer;
mod rates;
mod record;
mod refusal;
mod replay;
mod sequence;
mod standing;
mod state;
#[cfg(test)]
mod tests;
mod time;

use std::sync::Arc;

use sim_core::{Plan, TickLength};
use spiked_proto::v1;

use self::{
    backlog::{Backlog, Piece},
    live::LiveClock,
    producer::{Accepted, Admitted, Gate, Producer},
};
pub(crate) use self::{
    frames::packed as packed_frames, record::Record, refusal::Refusal, standing::Status,
};
use super::{
    chunk::{Chunk, Op},
    positions::Level,
    settings::{Capacity, Durability, Origin, Overload, Pace, Policy, Settings},
    tuning::{Change, Setting},
};

/// What a message led to.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    /// Goes to the simulation.
    pub(crate) chunk: Chunk,
    /// Go to producers, by index.
    pub(crate) errors: Vec<(usize, v1::Error)>,
    /// Go into the journal before the chunk goes anywhere; empty unless the session is durable.
    pub(crate) records: Vec<Record>,
}

/// The conversation of one session with its producers.
#[derive(Debug)]
pub(crate) struct Protocol {
    settings: Settings,
    capacity: Capacity,
    tick: TickLength,
    run_on_us: u64,
    producers: Vec<Producer>,
    /// One a producer, under live pace.
    clocks: Vec<LiveClock>,
    /// Tick 0 on the senders' clock \[µs\], once it is known.
    origin_us: Option<u64>,
    /// What the session was promised \[µs\].
    promised_us: u64,
    ended: bool,
    /// Changes of weights and parameters that were taken since it was made.
    changes: u64,
    /// What waits where it can be dropped, under `drop_oldest`.
    backlog: Backlog,
    /// What the message at hand leads to, under `drop_oldest`.
    pending: Chunk,
}

impl Protocol {
    /// The protocol of a session at its start.
    pub(crate) fn new(settings: Settings, plan: &Plan, capacity: Capacity) -> Self {
        let origin_us = match settings.origin {
            Origin::Time(time_us) => Some(time_us),
            Origin::FirstBatch => None,
        };
        let promised_us = origin_us.unwrap_or(0);
        let mut protocol = Self {
            tick: plan.tick(),
            run_on_us: settings.run_on_us.unwrap_or_else(|| longest_path_us(plan)),
            producers: settings
                .producers
                .iter()
                .map(|_| Producer::new(plan, promised_us))
                .collect(),
            clocks: vec![LiveClock::default(); settings.producers.len()],
            origin_us,
            promised_us,
            ended: false,
            changes: 0,
            backlog: Backlog::default(),
            pending: Chunk::default(),
            capacity,
            settings,
        };
        protocol.observe(&Level::default());
        protocol
    }

    /// A numbered batch of events.
    pub(crate) fn batch(
        &mut self,
        producer: usize,
        batch: &v1::EventBatch,
        level: &Level,
        out: &mut Actions,
    ) {
        self.observe(level);
        if self.has_ended(producer) {
            self.producers[producer].status.refused += 1;
            return;
        }
        let admitted = self.check_only_one(producer, batch);
        let admitted =
            admitted.and_then(|()| self.producers[producer].admit(batch, &self.gate(level)));
        match admitted {
            Ok(Admitted::Next { digest, charge }) => {
                match self.finds_no_room(producer, charge, level) {
                    true if self.settings.overload == Overload::Fail => {
                        let refusal = match level.over_rate {
                            true => Refusal::rate(batch.sequence),
                            false => Refusal::overload(batch.sequence, self.waiting(), level),
                        };
                        self.refuse(producer, &refusal, out);
                    }
                    full => {
                        // What waits is not to blame for a rate, so the newest goes then.
                        let dropped = match self.settings.overload {
                            Overload::DropNewest => full,
                            Overload::DropOldest => level.over_rate,
                            Overload::Block | Overload::Fail => false,
                        };
                        let gate = self.gate(level);
                        let floor_us = gate.floor_us;
                        let accepting = Accepting { batch, digest, charge, dropped, floor_us };
                        let heard_us = self.accept(producer, &accepting, out);
                        self.hear(producer, heard_us, level);
                    }
                }
            }
            Ok(Admitted::Duplicate) => self.producers[producer].status.duplicates += 1,
            Err(refusal) => self.refuse(producer, &refusal, out),
        }
        self.settle(level, out);
    }

    /// Moves a producer's promise without events.
    pub(crate) fn heartbeat(
        &mut self,
        producer: usize,
        promise_us: u64,
        level: &Level,
        out: &mut Actions,
    ) {
        self.observe(level);
        if self.has_ended(producer) {
            return;
        }
        match self.producers[producer].check_promise(0, promise_us) {
            Ok(()) => {
                self.record(out, || Record::Promise { producer, time_us: promise_us });
                self.promise(producer, promise_us, out);
                self.hear(producer, Some(promise_us), level);
            }
            Err(refusal) => self.refuse(producer, &refusal, out),
        }
        self.settle(level, out);
    }

    /// Weights or parameters are set: from the first tick on that was not promised to be over, which
    /// the simulation cannot have begun, however far ahead of it promises are.
    pub(crate) fn set(&mut self, setting: Arc<Setting>, out: &mut Actions) -> Arc<Change> {
        self.record(out, || Record::Set(setting.clone()));
        let at = self.origin_us.map(|origin_us| self.tick.closed_by(self.promised_us, origin_us));
        let change = Arc::new(Change::new(at.unwrap_or_default(), setting));
        out.chunk.changes.push(change.clone());
        self.changes += 1;
        change
    }

    /// A message that has no place here.
    pub(crate) fn refuse(&mut self, producer: usize, refusal: &Refusal, out: &mut Actions) {
        self.producers[producer].status.refused += 1;
        if self.has_ended(producer) {
            return;
        }
        let fatal = refusal.policy(&self.settings) == Policy::Fail;
        self.report(producer, refusal, fatal, out);
        if fatal {
            self.record(out, || Record::End { producer, failed: true });
            self.finish(true, out);
        }
    }

    /// No batch of this producer will follow.
    pub(crate) fn end(&mut self, producer: usize, level: &Level, out: &mut Actions) {
        if self.has_ended(producer) {
            return;
        }
        self.record(out, || Record::End { producer, failed: false });
        self.end_producer(producer, out);
        self.settle(level, out);
    }

    /// Under live pace, lets the session's time follow the clock.
    pub(crate) fn tick(&mut self, level: &Level, out: &mut Actions) {
        self.observe(level);
        if let Some(time_us) = self.clock_says(level.now_us) {
            self.record(out, || Record::Watermark { time_us });
            self.raise(time_us, out);
        }
        self.settle(level, out);
    }

    /// The queue's level changed: hands over what may go, and tells producers, once, that only a
    /// promise can make room for more.
    pub(crate) fn look_after(&mut self, level: &Level, out: &mut Actions) {
        self.observe(level);
        self.settle(level, out);
        for producer in 0..self.producers.len() {
            if self.has_ended(producer) {
                continue;
            }
            let gate = self.gate(level);
            if self.producers[producer].is_stalled(&gate) {
                let waiting = self.producers[producer].waiting();
                let refusal = Refusal::stalled(waiting, self.promised_us);
                self.report(producer, &refusal, false, out);
            } else {
                self.producers[producer].reported &= !bit(v1::Reason::PromiseStalled);
            }
        }
    }

    fn gate(&self, level: &Level) -> Gate<'_> {
        Gate {
            settings: &self.settings,
            capacity: self.capacity,
            floor_us: self.promised_us,
            idle: level.idle,
            replayed: false,
        }
    }

    /// Takes credit back that the simulation has freed.
    fn observe(&mut self, level: &Level) {
        for producer in &mut self.producers {
            producer.release(level.closed_us, self.capacity);
        }
    }

    /// Applies a batch that is in order and whole; its events are yet to be judged. Gives the time
    /// that its sensor's clock had reached.
    fn accept(
        &mut self,
        producer: usize,
        accepting: &Accepting<'_>,
        out: &mut Actions,
    ) -> Option<u64> {
        let &Accepting { batch, digest, charge, dropped, .. } = accepting;
        self.record(out, || Record::Batch { producer, dropped, batch: batch.clone() });
        let first_us = self.producers[producer].prepare(batch);
        self.begin_at(first_us, out);
        let Accepted { taken, entries, counted, latest_us, heard_us } =
            self.judge(producer, accepting, out);
        for refusal in &taken.refusals {
            self.report(producer, refusal, false, out);
        }
        if let Some(refusal) = taken.fatal {
            // What came before the event is applied; the batch as a whole is not accepted.
            self.seal(producer, 0, entries, counted, latest_us);
            self.refuse(producer, &refusal, out);
            return heard_us;
        }
        self.producers[producer].commit(batch, digest, charge, taken.seen);
        if let Some(promise_us) = batch.promise_us {
            self.promise(producer, promise_us, out);
        }
        self.seal(producer, if dropped { 0 } else { charge }, entries, counted, latest_us);
        heard_us.max(batch.promise_us)
    }

    fn judge(&mut self, producer: usize, accepting: &Accepting<'_>, out: &mut Actions) -> Accepted {
        let holds = self.settings.overload == Overload::DropOldest;
        let sink = if holds { &mut self.pending } else { &mut out.chunk };
        let gate = Gate {
            settings: &self.settings,
            capacity: self.capacity,
            // What began with this batch begins at its own first time.
            floor_us: accepting.floor_us.max(self.promised_us),
            idle: false,
            replayed: false,
        };
        self.producers[producer].accept(accepting.batch, accepting.dropped, &gate, sink)
    }

    fn push(&mut self, op: Op, out: &mut Actions) {
        match self.settings.overload {
            Overload::DropOldest => self.pending.push(op),
            _ => out.chunk.push(op),
        }
    }

    fn record(&self, out: &mut Actions, record: impl FnOnce() -> Record) {
        if self.settings.durability != Durability::None {
            out.records.push(record());
        }
    }

    fn report(&mut self, producer: usize, refusal: &Refusal, fatal: bool, out: &mut Actions) {
        let error = self.producers[producer].report(refusal, fatal);
        out.errors.extend(error.map(|error| (producer, error)));
    }
}

/// A batch that was admitted, and what was decided about it.
struct Accepting<'a> {
    batch: &'a v1::EventBatch,
    digest: u32,
    charge: u64,
    /// Its events are dropped by the overload policy.
    dropped: bool,
    /// No event below this goes into the simulation \[µs\].
    floor_us: u64,
}

const fn bit(reason: v1::Reason) -> u64 {
    1 << (reason as u64 % 64)
}

/// The network's longest path of delays \[µs\], rounded up.
fn longest_path_us(plan: &Plan) -> u64 {
    let ns = u128::from(plan.cost().longest_path_ticks) * u128::from(plan.tick().ns());
    u64::try_from(ns.div_ceil(1_000)).unwrap_or(u64::MAX)
}
