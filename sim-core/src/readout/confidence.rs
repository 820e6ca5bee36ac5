//! Early stopping: the class with most spikes in a sample, as soon as it is confident.
//!
//! After each tick of a sample the counts of its classes, times a scale, are logits; the confidence is
//! the largest softmax of them (Li et al. 2023, "Unleashing the potential of spiking neural networks
//! with dynamic confidence", ICCV). Above the threshold the sample is decided and stops; at the latest
//! it is when its time is over. Within a sample the confidence changes with spikes alone, so that
//! silent ticks cost nothing.

use super::{Classes, Outcome};
use crate::{connect::Emission, event::Verdict, ids::InputId, math::exp};

#[derive(Clone, Debug)]
pub(crate) struct Confidence {
    pub(crate) classes: Classes,
    /// An event on this port begins a sample.
    pub(crate) begins: InputId,
    /// The confidence above which a sample stops.
    pub(crate) threshold: f64,
    /// Logit of one spike.
    pub(crate) scale: f64,
    /// The first and the last tick of a sample, counted from 1, at whose end it may be decided.
    pub(crate) after_ticks: u64,
    pub(crate) within_ticks: u64,
}

/// What a sample's spikes say so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    sample: Option<Sample>,
    by_class: Vec<u64>,
    /// Spikes came since the confidence was last worked out.
    is_new: bool,
}

/// A sample that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    began: u64,
    /// When it must be looked at, whatever comes.
    next: u64,
}

impl Evidence {
    pub(crate) fn new(confidence: &Confidence) -> Self {
        let by_class = vec![0; confidence.classes.count as usize];
        Self { sample: None, by_class, is_new: false }
    }

    /// The first tick of the sample that runs.
    pub(crate) fn began(&self) -> Option<u64> {
        self.sample.map(|sample| sample.began)
    }

    pub(crate) fn by_class(&self) -> &[u64] {
        &self.by_class
    }

    /// A sample begins with a tick.
    pub(crate) fn begin(&mut self, confidence: &Confidence, tick: u64) {
        let next = tick.saturating_add(confidence.after_ticks - 1);
        self.sample = Some(Sample { began: tick, next });
        self.by_class.fill(0);
        self.is_new = true;
    }

    /// After a restore at the start of tick `now`: a sample that began before it, and its counts.
    pub(crate) fn resume(
        &mut self,
        confidence: &Confidence,
        began: u64,
        now: u64,
        counts: Vec<u64>,
    ) {
        self.begin(confidence, began);
        let last = began.saturating_add(confidence.within_ticks - 1);
        if let Some(sample) = self.sample.as_mut().filter(|sample| sample.next < now) {
            sample.next = last;
            self.is_new = false;
        }
        self.by_class = counts;
    }

    pub(crate) fn next_due(&self) -> Option<u64> {
        self.sample.map(|sample| sample.next)
    }

    pub(crate) fn add(&mut self, confidence: &Confidence, emissions: &[Emission]) {
        for (class, count) in confidence.classes.counted(emissions) {
            self.by_class[class as usize] += count;
            self.is_new = true;
        }
    }

    pub(crate) fn decide(&mut self, confidence: &Confidence, tick: u64) -> Option<Outcome> {
        let Sample { began, next } = self.sample?;
        let ticks = tick - began + 1;
        if ticks < confidence.after_ticks || (tick < next && !self.is_new) {
            return None;
        }
        self.is_new = false;
        let (class, votes, share) = leader(&self.by_class, confidence.scale);
        let is_last = ticks >= confidence.within_ticks;
        if share <= confidence.threshold && !is_last {
            let next = began.saturating_add(confidence.within_ticks - 1);
            self.sample = Some(Sample { began, next });
            return None;
        }
        self.sample = None;
        let verdict = Some(Verdict { confidence_ppm: ppm(share), ticks });
        Some(Outcome { class, votes, total: self.by_class.iter().sum(), verdict })
    }
}

/// The class with most spikes, ties to the lowest, its spikes, and its softmax.
fn leader(by_class: &[u64], scale: f64) -> (u32, u64, f64) {
    let most = (0..).zip(by_class).max_by_key(|&(class, votes)| (votes, u32::MAX - class));
    let (class, &votes) = most.expect("a population has a neuron");
    let shares = by_class.iter().map(|&count| exp(-scale * (votes - count) as f64));
    (class, votes, 1.0 / shares.sum::<f64>())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is in [0, 1]")]
fn ppm(share: f64) -> u32 {
    (share * 1e6).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(threshold: f64) -> Confidence {
        Confidence {
            classes: Classes { count: 3, neurons_each: 2 },
            begins: InputId(0),
            threshold,
            scale: 1.0,
            after_ticks: 2,
            within_ticks: 5,
        }
    }

    fn fired(indices: &[u32]) -> Vec<Emission> {
        indices.iter().map(|&index| Emission { index, multiplicity: 1 }).collect()
    }

    #[test]
    fn stops_as_soon_as_it_is_confident_and_not_before_it_may() {
        let rule = rule(0.7);
        let mut evidence = Evidence::new(&rule);
        assert_eq!((evidence.next_due(), evidence.decide(&rule, 3)), (None, None));
        evidence.begin(&rule, 10);
        // Two of class 1 against none: e² / (e² + 2) = 0.787.
        evidence.add(&rule, &fired(&[2, 3]));
        assert_eq!(evidence.decide(&rule, 10), None, "too early");
        assert_eq!(evidence.next_due(), Some(11));
        let verdict = Some(Verdict { confidence_ppm: 786_986, ticks: 2 });
        let expected = Outcome { class: 1, votes: 2, total: 2, verdict };
        assert_eq!(evidence.decide(&rule, 11), Some(expected));
        assert_eq!((evidence.next_due(), evidence.began()), (None, None));
    }

    #[test]
    fn a_sample_that_never_is_confident_is_decided_when_its_time_is_over() {
        let rule = rule(1.0);
        let mut evidence = Evidence::new(&rule);
        evidence.begin(&rule, 0);
        assert_eq!(evidence.decide(&rule, 1), None);
        assert_eq!(evidence.next_due(), Some(4));
        evidence.add(&rule, &fired(&[4]));
        assert_eq!(evidence.decide(&rule, 3), None);
        let outcome = evidence.decide(&rule, 4).expect("the last tick");
        assert_eq!((outcome.class, outcome.votes, outcome.total), (2, 1, 1));
        // Without any spike all are as likely, and the lowest wins.
        evidence.begin(&rule, 7);
        let outcome = evidence.decide(&rule, 11).expect("the last tick");
        assert_eq!((outcome.class, outcome.total), (0, 0));
        assert_eq!(outcome.verdict, Some(Verdict { confidence_ppm: 333_333, ticks: 5 }));
    }
}
