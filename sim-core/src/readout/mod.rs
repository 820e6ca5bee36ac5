//! What turns spikes into decisions, one file a rule.

pub(crate) mod confidence;
pub(crate) mod vote;

use confidence::{Confidence, Evidence};
use vote::{Count, Vote};

use crate::{connect::Emission, event::Verdict};

/// How a readout decides.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    Vote(Vote),
    Confidence(Confidence),
}

/// The classes of a source: its first extent, so many neurons each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Classes {
    pub(crate) count: u32,
    pub(crate) neurons_each: u32,
}

/// What a readout has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tally {
    Vote(Count),
    Confidence(Evidence),
}

/// Who won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) class: u32,
    pub(crate) votes: u64,
    pub(crate) total: u64,
    pub(crate) verdict: Option<Verdict>,
}

impl Classes {
    /// Spikes by class, of emissions in index order.
    fn counted(self, emissions: &[Emission]) -> impl Iterator<Item = (u32, u64)> {
        let class = move |emission: &Emission| emission.index / self.neurons_each;
        emissions.chunk_by(move |a, b| class(a) == class(b)).map(move |group| {
            let count = group.iter().map(|emission| u64::from(emission.multiplicity)).sum();
            (class(&group[0]), count)
        })
    }
}

impl Rule {
    pub(crate) const fn classes(&self) -> Classes {
        match self {
            Self::Vote(vote) => vote.classes,
            Self::Confidence(confidence) => confidence.classes,
        }
    }

    /// Nothing counted yet.
    pub(crate) fn tally(&self) -> Tally {
        match self {
            Self::Vote(vote) => Tally::Vote(Count::new(vote)),
            Self::Confidence(confidence) => Tally::Confidence(Evidence::new(confidence)),
        }
    }
}

impl Tally {
    /// The tick at which [`Self::decide`] must be asked.
    pub(crate) fn next_due(&self) -> Option<u64> {
        match self {
            Self::Vote(count) => count.next_due(),
            Self::Confidence(evidence) => evidence.next_due(),
        }
    }

    /// Counts what the source emitted in a tick.
    pub(crate) fn add(&mut self, rule: &Rule, tick: u64, emissions: &[Emission]) {
        match (self, rule) {
            (Self::Vote(count), Rule::Vote(vote)) => count.add(vote, tick, emissions),
            (Self::Confidence(evidence), Rule::Confidence(confidence)) => {
                evidence.add(confidence, emissions);
            }
            _ => unreachable!("a tally is of its readout's rule"),
        }
    }

    /// Decides at the end of a tick, if a decision is due.
    pub(crate) fn decide(&mut self, rule: &Rule, tick: u64) -> Option<Outcome> {
        match (self, rule) {
            (Self::Vote(count), Rule::Vote(vote)) => count.decide(vote, tick),
            (Self::Confidence(evidence), Rule::Confidence(confidence)) => {
                evidence.decide(confidence, tick)
            }
            _ => unreachable!("a tally is of its readout's rule"),
        }
    }
}
