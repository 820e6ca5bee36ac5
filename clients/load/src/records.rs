//! Output as it came, to be compared item by item with what a reference run gives.
//!
//! A session's output has one order: by tick, and within a tick by what fires. What came back is
//! compared as a sequence; where it differs, items are told apart as lost, surplus or reordered.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use spiked_client::{Spike, v1::Decision};

/// Items of a session that are kept; what comes behind is counted only.
pub(crate) const KEPT_MAX: usize = 1_000_000;

/// One item of output. Decisions have their class as address, and all votes behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Record {
    tick: u64,
    port: u32,
    address: u32,
    amount: u64,
    is_decision: bool,
}

/// The output of a session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    kept: Vec<Record>,
    all: u64,
}

impl Records {
    pub(crate) fn spike(&mut self, spike: &Spike) {
        self.add(Record {
            tick: spike.tick,
            port: spike.port,
            address: spike.address,
            amount: spike.multiplicity.into(),
            is_decision: false,
        });
    }

    pub(crate) fn decision(&mut self, decision: &Decision) {
        self.add(Record {
            tick: decision.tick,
            port: decision.port,
            address: decision.class,
            amount: decision.votes,
            is_decision: true,
        });
    }

    /// Items, kept or not.
    pub(crate) fn count(&self) -> u64 {
        self.all
    }

    fn add(&mut self, record: Record) {
        self.all += 1;
        if self.kept.len() < KEPT_MAX {
            self.kept.push(record);
        }
    }

    /// What a run did to the output that a reference has.
    pub(crate) fn compare(&self, reference: &Self) -> Difference {
        let beyond = |records: &Self| records.all - records.kept.len() as u64;
        if self.kept == reference.kept && self.all == reference.all {
            return Difference { compared: self.kept.len() as u64, ..Difference::default() };
        }
        let mut counts: HashMap<Record, i64> = HashMap::new();
        reference.kept.iter().for_each(|record| *counts.entry(*record).or_default() += 1);
        self.kept.iter().for_each(|record| *counts.entry(*record).or_default() -= 1);
        let lost: u64 = counts.values().map(|&count| u64::try_from(count).unwrap_or(0)).sum();
        let surplus: u64 = counts.values().map(|&count| u64::try_from(-count).unwrap_or(0)).sum();
        // What both have, in the order of each: where they differ, something changed places.
        let common = |records: &[Record], mut spare: HashMap<Record, i64>| -> Vec<Record> {
            let keep = |record: &&Record| match spare.get_mut(*record) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    false
                }
                _ => true,
            };
            records.iter().filter(keep).copied().collect()
        };
        let only =
            |sign: i64| counts.iter().map(|(&record, &count)| (record, count * sign)).collect();
        let ours = common(&self.kept, only(-1));
        let theirs = common(&reference.kept, only(1));
        let reordered = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs).count();
        let beyond = (beyond(reference), beyond(self));
        Difference {
            compared: self.kept.len() as u64,
            lost: lost + beyond.0.saturating_sub(beyond.1),
            surplus: surplus + beyond.1.saturating_sub(beyond.0),
            reordered: reordered as u64,
        }
    }
}

/// How output differs from that of a reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Items that were compared one by one.
    pub compared: u64,
    /// In the reference and not here.
    pub lost: u64,
    /// Here more often than in the reference: doubled, or never caused.
    pub surplus: u64,
    /// In both, elsewhere in the order.
    pub reordered: u64,
}

impl Difference {
    /// Whether both are the same.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.lost == 0 && self.surplus == 0 && self.reordered == 0
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.compared += other.compared;
        self.lost += other.lost;
        self.surplus += other.surplus;
        self.reordered += other.reordered;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(addresses: &[u32]) -> Records {
        let mut records = Records::default();
        for (tick, &address) in (0..).zip(addresses) {
            records.spike(&Spike { time_us: 0, tick: tick / 2, port: 0, address, multiplicity: 1 });
        }
        records
    }

    fn difference(ours: &[u32], reference: &[u32]) -> (u64, u64, u64) {
        let found = records(ours).compare(&records(reference));
        (found.lost, found.surplus, found.reordered)
    }

    #[test]
    fn what_is_lost_doubled_and_out_of_order_is_told_apart() {
        assert_eq!(difference(&[1, 2, 3, 4], &[1, 2, 3, 4]), (0, 0, 0));
        assert_eq!(difference(&[1, 2, 3, 4], &[1, 2, 3, 4, 5, 6]), (2, 0, 0));
        assert_eq!(difference(&[1, 2, 3, 4, 5], &[1, 2, 3, 4]), (0, 1, 0));
        // Both of tick 0 change places.
        assert_eq!(difference(&[2, 1, 3, 4], &[1, 2, 3, 4]), (0, 0, 2));
        assert_eq!(difference(&[1, 9, 3, 4], &[1, 2, 3, 4]), (1, 1, 0));
    }

    #[test]
    fn decisions_and_spikes_are_never_the_same() {
        let mut ours = records(&[7]);
        let mut reference = Records::default();
        let decision = Decision { class: 7, votes: 1, ..Decision::default() };
        reference.decision(&decision);
        assert_eq!(ours.compare(&reference).lost, 1);
        ours.decision(&decision);
        let found = ours.compare(&reference);
        assert_eq!((found.lost, found.surplus), (0, 1));
    }
}
