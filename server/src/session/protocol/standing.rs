//! How far the conversation has come, for whoever asks.

use spiked_proto::v1;

use super::{Protocol, producer::Producer};
use crate::session::settings::{Durability, Origin, Settings};

/// Where a producer stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// Batches up to here are in order, checked and on their way.
    pub(crate) accepted: u64,
    /// Events in accepted batches, whatever became of them.
    pub(crate) events_seen: u64,
    /// Entries for the simulation; what the queue holds is counted in these.
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

impl Protocol {
    /// How many producers there are.
    pub(crate) fn producers(&self) -> usize {
        self.producers.len()
    }

    /// Where a producer stands.
    pub(crate) fn status(&self, producer: usize) -> &Status {
        &self.producers[producer].status
    }

    /// How much a producer may have sent in all.
    pub(crate) fn credit(&self, producer: usize) -> v1::Credit {
        self.producers[producer].credit(self.settings.overload, self.capacity)
    }

    /// Whether a producer sends no more.
    pub(crate) fn has_ended(&self, producer: usize) -> bool {
        self.ended || self.producers[producer].ended
    }

    /// Whether no producer sends any more.
    pub(crate) const fn is_over(&self) -> bool {
        self.ended
    }

    /// Changes of weights and parameters that were taken since it was made.
    pub(crate) const fn changes(&self) -> u64 {
        self.changes
    }

    /// The time below which everything may run \[µs\].
    pub(crate) fn closed_us(&self) -> u64 {
        let ends_us = if self.ended { self.run_to_us() } else { None };
        ends_us.unwrap_or(self.promised_us)
    }

    /// What the session was promised \[µs, sender's clock\].
    pub(crate) fn promised_us(&self) -> u64 {
        self.promised_us
    }

    /// Nobody has sent anything yet: whoever opens the session anew loses nothing.
    pub(crate) fn is_untouched(&self) -> bool {
        let nothing = |producer: &Producer| {
            producer.status.accepted == 0 && producer.status.events_applied == 0
        };
        let promised_us = match self.settings.origin {
            Origin::Time(time_us) => time_us,
            Origin::FirstBatch => 0,
        };
        let is_new = self.promised_us == promised_us && self.changes == 0;
        is_new && self.producers.iter().all(nothing)
    }

    /// What a producer has promised \[µs\].
    pub(crate) fn promise_of(&self, producer: usize) -> u64 {
        self.producers[producer].promise_us
    }

    /// Whether it is known where tick 0 lies.
    pub(crate) const fn has_origin(&self) -> bool {
        self.origin_us.is_some()
    }

    /// Another producer's promise that holds the session below a time \[µs\].
    pub(crate) fn held_below(&self, producer: usize, time_us: u64) -> Option<u64> {
        let others = self.producers.iter().enumerate();
        let others = others.filter(|(index, other)| *index != producer && !other.ended);
        let slowest = others.map(|(_, other)| other.promise_us).min();
        slowest.filter(|&promise_us| promise_us < time_us)
    }

    /// What the session was opened with.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether the session is to survive the daemon.
    pub(crate) fn is_durable(&self) -> bool {
        self.settings.durability != Durability::None
    }
}
