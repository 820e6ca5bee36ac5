//! The class with most spikes in a sliding window.
//!
//! Decides at the end of every period in which the window `(t - window, t]` holds a spike; says
//! nothing otherwise, so that silence costs nothing.

use std::collections::VecDeque;

use super::{Classes, Outcome};
use crate::connect::Emission;

#[derive(Clone, Debug)]
pub(crate) struct Vote {
    pub(crate) classes: Classes,
    pub(crate) window_ticks: u64,
    pub(crate) every_ticks: u64,
}

/// Spikes of one class in one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ballot {
    pub(crate) tick: u64,
    pub(crate) class: u32,
    pub(crate) count: u64,
}

/// The ballots of a window and their sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) ballots: VecDeque<Ballot>,
    by_class: Vec<u64>,
    total: u64,
    /// When the next decision may be due.
    next: Option<u64>,
}

impl Count {
    pub(crate) fn new(vote: &Vote) -> Self {
        Self { by_class: vec![0; vote.classes.count as usize], ..Self::default() }
    }

    /// The tick at which [`Self::decide`] must be asked.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.next
    }

    /// Counts what the source emitted in a tick.
    pub(crate) fn add(&mut self, vote: &Vote, tick: u64, emissions: &[Emission]) {
        for (class, count) in vote.classes.counted(emissions) {
            self.cast(vote, Ballot { tick, class, count });
        }
    }

    /// All that was cast and is not forgotten.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Adds a ballot no older than any other.
    pub(crate) fn cast(&mut self, vote: &Vote, ballot: Ballot) {
        self.by_class[ballot.class as usize] += ballot.count;
        self.total += ballot.count;
        self.ballots.push_back(ballot);
        self.next.get_or_insert(end_of_period(ballot.tick, vote.every_ticks));
    }

    /// After a restore: decisions before `now` have been made.
    pub(crate) fn resume(&mut self, vote: &Vote, now: u64) {
        let due = end_of_period(now, vote.every_ticks);
        self.next = (self.total > 0).then_some(due);
    }

    /// Decides at the end of a tick, if a decision is due and the window holds a spike.
    pub(crate) fn decide(&mut self, vote: &Vote, tick: u64) -> Option<Outcome> {
        if self.next != Some(tick) {
            return None;
        }
        self.forget(tick, vote.window_ticks);
        self.next = (self.total > 0).then_some(tick.saturating_add(vote.every_ticks));
        let (class, &votes) =
            (0..).zip(&self.by_class).max_by_key(|&(class, votes)| (votes, u32::MAX - class))?;
        (self.total > 0).then_some(Outcome { class, votes, total: self.total, verdict: None })
    }

    fn forget(&mut self, tick: u64, window_ticks: u64) {
        while let Some(ballot) = self.ballots.front() {
            if tick - ballot.tick < window_ticks {
                return;
            }
            self.by_class[ballot.class as usize] -= ballot.count;
            self.total -= ballot.count;
            self.ballots.pop_front();
        }
    }
}

/// The last tick of the period that holds a tick.
fn end_of_period(tick: u64, every_ticks: u64) -> u64 {
    (tick - tick % every_ticks).saturating_add(every_ticks - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fired(indices: &[u32]) -> Vec<Emission> {
        indices.iter().map(|&index| Emission { index, multiplicity: 1 }).collect()
    }

    #[test]
    fn the_majority_of_the_window_wins_until_it_has_passed() {
        let vote = Vote {
            window_ticks: 3,
            every_ticks: 1,
            classes: Classes { count: 3, neurons_each: 10 },
        };
        let mut count = Count::new(&vote);
        count.add(&vote, 5, &fired(&[20, 21, 3]));
        let mut decided = Vec::new();
        for tick in 5..10 {
            if tick == 6 {
                count.add(&vote, 6, &fired(&[12, 13, 14]));
            }
            if let Some(outcome) = count.decide(&vote, tick) {
                decided.push((tick, outcome.class, outcome.votes, outcome.total));
            }
        }
        assert_eq!(decided, [(5, 2, 2, 3), (6, 1, 3, 6), (7, 1, 3, 6), (8, 1, 3, 3)]);
        assert_eq!(count.next_due(), None);
    }

    #[test]
    fn decides_at_the_end_of_periods_and_ties_go_to_the_lowest() {
        let vote = Vote {
            window_ticks: 10,
            every_ticks: 4,
            classes: Classes { count: 2, neurons_each: 1 },
        };
        let mut count = Count::new(&vote);
        count.add(&vote, 9, &fired(&[0, 1]));
        assert_eq!(count.next_due(), Some(11));
        assert_eq!(
            count.decide(&vote, 11),
            Some(Outcome { class: 0, votes: 1, total: 2, verdict: None })
        );
        assert_eq!(count.next_due(), Some(15));
    }
}
