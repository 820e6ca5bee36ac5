//! What the overload policies do with input that finds no room.
//!
//! Under `drop_oldest` input waits in a backlog in front of the simulation, which is given no more
//! than a window at a time; the rest can still be dropped. Under the others it goes on at once.

use super::{Actions, Overload, Pace, Piece, Protocol, Record};
use crate::session::positions::Level;

/// The share of the queue that the simulation is given at a time.
const WINDOW_SHARE: u64 = 4;

impl Protocol {
    /// Events in the queue, of all producers.
    pub(super) fn waiting(&self) -> u64 {
        self.producers.iter().map(|producer| producer.waiting()).sum()
    }

    /// Whether a batch meets the overload policy.
    pub(super) fn finds_no_room(&self, producer: usize, charge: u64, level: &Level) -> bool {
        let full = self.producers[producer].waiting() + charge > self.capacity.events;
        full || level.over_rate || self.lags(level)
    }

    fn lags(&self, level: &Level) -> bool {
        match self.settings.pace {
            Pace::Live { lag_max_us, .. } => lag_max_us > 0 && level.lag_us > lag_max_us,
            Pace::Logical => false,
        }
    }

    /// Books the events that a message led to, and puts the whole into the backlog where there is
    /// one.
    pub(super) fn seal(
        &mut self,
        producer: usize,
        charge: u64,
        entries: u64,
        counted: u64,
        latest_us: u64,
    ) {
        // Camera words may hold more events than they are charged for, and none at all.
        let charge = if entries == 0 { 0 } else { charge.max(entries) };
        if self.settings.overload != Overload::DropOldest {
            self.producers[producer].outstanding.push(latest_us, charge);
            return;
        }
        let chunk = std::mem::take(&mut self.pending);
        self.producers[producer].held += charge;
        self.backlog.push(Piece { chunk, producer, charge, counted, latest_us });
    }

    /// After each message: what waits is bounded, and what may go goes.
    pub(super) fn settle(&mut self, level: &Level, out: &mut Actions) {
        if self.settings.overload != Overload::DropOldest {
            return;
        }
        self.seal(0, 0, 0, 0, 0);
        while self.is_too_full(level) {
            if !self.drop_oldest() {
                break;
            }
            self.record(out, || Record::Dropped);
        }
        let mut rests = level.idle;
        while !self.backlog.is_empty() && (rests || self.outstanding() < self.window()) {
            self.record(out, || Record::Handed);
            self.hand(out);
            rests = false;
        }
    }

    fn is_too_full(&self, level: &Level) -> bool {
        let held = self.backlog.weight();
        self.outstanding() + held > self.capacity.events || (held > 0 && self.lags(level))
    }

    fn outstanding(&self) -> u64 {
        self.producers.iter().map(|producer| producer.outstanding.total()).sum()
    }

    fn window(&self) -> u64 {
        (self.capacity.events / WINDOW_SHARE).max(1)
    }

    /// Drops the events that have waited longest; false if none wait.
    pub(super) fn drop_oldest(&mut self) -> bool {
        let Some(piece) = self.backlog.drop_oldest() else {
            return false;
        };
        let producer = &mut self.producers[piece.producer];
        producer.held -= piece.charge;
        producer.status.events_applied -= piece.chunk.events.len() as u64;
        producer.status.events_counted -= piece.counted;
        producer.status.drops.overload += piece.counted;
        true
    }

    /// Gives the simulation what has waited longest.
    pub(super) fn hand(&mut self, out: &mut Actions) {
        let Some(piece) = self.backlog.hand(&mut out.chunk) else {
            return;
        };
        let producer = &mut self.producers[piece.producer];
        producer.held -= piece.charge;
        producer.outstanding.push(piece.latest_us, piece.charge);
    }
}
