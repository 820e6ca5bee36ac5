//! Random connectivity, drawn: the synapses onto any range of targets, the same ones every time.
//!
//! A synapse's number is its place among all that could be drawn, whatever range is asked for:
//! `target × degree + k`, `source × degree + k`, `k`, or `target × sources + source` for pairs.
//! Weight and delay are the draws of that number from keys of their own, and so are the ends, but
//! with pairwise probability: there each target has a key, whose draws are the distances from one
//! of its sources to the next, `floor(ln u / ln(1 - p))` sources left out in between.
//!
//! A range costs its share of the work for a fixed in-degree and for pairs. For a fixed
//! out-degree or total, every synapse's target is drawn to find those in the range.

use std::ops::Range;

use crate::{
    math::{ln, ln_1p},
    network::{DelaySampler, RandomConnectivity, RandomRule, Sampler},
    random::{Key, Purpose, below, split, unit_open},
};

/// One synapse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Drawn {
    pub(crate) source: u32,
    pub(crate) target: u32,
    pub(crate) weight: f64,
    pub(crate) delay_ticks: u32,
}

/// Connectivity whose ends are known, ready to be drawn.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    rule: Rule,
    sources: u32,
    targets: u32,
    /// No neuron is connected to itself.
    without_self: bool,
    pairs: Key,
    weights: (Key, Sampler),
    delays: (Key, DelaySampler),
    weight_bounds: (f64, f64),
    expected: u64,
}

#[derive(Clone, Copy, Debug)]
enum Rule {
    InDegree(u32),
    OutDegree(u32),
    Total(u64),
    /// `1 / ln(1 - p)`: -0 for p = 1, negative infinity for p = 0.
    Pairwise(f64),
}

impl Draw {
    /// Of connectivity that was checked against the same sizes; `recurrent` says that both ends
    /// are one population.
    pub(crate) fn new(
        connectivity: &RandomConnectivity,
        seed: u64,
        projection: u16,
        [sources, targets]: [u32; 2],
        recurrent: bool,
    ) -> Self {
        let key = |purpose| connectivity.key(purpose, seed, projection);
        let rule = match connectivity.rule {
            RandomRule::FixedInDegree(degree) => Rule::InDegree(degree),
            RandomRule::FixedOutDegree(degree) => Rule::OutDegree(degree),
            RandomRule::FixedTotal(total) => Rule::Total(total),
            RandomRule::Pairwise { probability } => Rule::Pairwise(1.0 / ln_1p(-probability)),
        };
        Self {
            rule,
            sources,
            targets,
            without_self: recurrent && !connectivity.allow_self,
            pairs: key(Purpose::Connectivity),
            weights: (key(Purpose::Weight), connectivity.weights.sampler()),
            delays: (key(Purpose::Delay), connectivity.delays_ticks.sampler()),
            weight_bounds: connectivity.weights.bounds(),
            expected: connectivity.synapses_expected(sources, targets),
        }
    }

    /// The smallest and the largest weight that can come.
    pub(crate) fn weight_bounds(&self) -> (f64, f64) {
        self.weight_bounds
    }

    /// The number of synapses to expect.
    pub(crate) fn expected(&self) -> u64 {
        self.expected
    }

    /// Hands out every synapse onto a range of targets, in the order of their numbers.
    pub(crate) fn synapses(&self, targets: Range<u32>, mut each: impl FnMut(Drawn)) {
        let ((weight_key, weights), (delay_key, delays)) = (&self.weights, &self.delays);
        self.numbered(targets, |source, target, number| {
            let weight = weights.sample(*weight_key, number);
            let delay_ticks = delays.sample_ticks(*delay_key, number);
            each(Drawn { source, target, weight, delay_ticks });
        });
    }

    /// Hands out (source, target) of the same synapses in the same order, for a fraction of the
    /// time.
    pub(crate) fn pairs(&self, targets: Range<u32>, mut each: impl FnMut(u32, u32)) {
        self.numbered(targets, |source, target, _| each(source, target));
    }

    /// The number of synapses onto a range of targets, by counting where the rule doesn't fix it.
    #[cfg(test)]
    pub(crate) fn count(&self, targets: Range<u32>) -> u64 {
        match self.rule {
            Rule::InDegree(degree) => u64::from(degree) * targets.len() as u64,
            Rule::Total(total) if targets == (0..self.targets) => total,
            _ => {
                let mut count = 0;
                self.pairs(targets, |_, _| count += 1);
                count
            }
        }
    }

    /// The largest number of synapses onto one target, by counting where the rule doesn't fix it.
    pub(crate) fn in_degree_max(&self) -> u32 {
        if let Rule::InDegree(degree) = self.rule {
            return if self.targets > 0 { degree } else { 0 };
        }
        let mut degrees = vec![0_u32; self.targets as usize];
        self.pairs(0..self.targets, |_, target| degrees[target as usize] += 1);
        degrees.into_iter().max().unwrap_or(0)
    }

    /// Hands out (source, target, number).
    #[inline]
    fn numbered(&self, targets: Range<u32>, each: impl FnMut(u32, u32, u64)) {
        debug_assert!(targets.end <= self.targets, "a range of the targets");
        match self.rule {
            Rule::InDegree(degree) => self.in_degree(degree, targets, each),
            Rule::OutDegree(degree) => self.out_degree(degree, targets, each),
            Rule::Total(total) => self.total(total, targets, each),
            Rule::Pairwise(per_gap) => self.pairwise(per_gap, targets, each),
        }
    }

    #[inline]
    fn in_degree(&self, degree: u32, targets: Range<u32>, mut each: impl FnMut(u32, u32, u64)) {
        let choices = self.choices(self.sources);
        for target in targets {
            let first = u64::from(target) * u64::from(degree);
            for number in first..first + u64::from(degree) {
                let choice = below(self.pairs.draw(number), choices);
                each(self.other(choice, target), target, number);
            }
        }
    }

    #[inline]
    fn out_degree(&self, degree: u32, targets: Range<u32>, mut each: impl FnMut(u32, u32, u64)) {
        let choices = self.choices(self.targets);
        for source in 0..self.sources {
            let first = u64::from(source) * u64::from(degree);
            for number in first..first + u64::from(degree) {
                let target = self.other(below(self.pairs.draw(number), choices), source);
                if targets.contains(&target) {
                    each(source, target, number);
                }
            }
        }
    }

    #[inline]
    fn total(&self, total: u64, targets: Range<u32>, mut each: impl FnMut(u32, u32, u64)) {
        let choices = self.choices(self.sources);
        for number in 0..total {
            let (target, left) = split(self.pairs.draw(number), self.targets);
            if targets.contains(&target) {
                each(self.other(below(left, choices), target), target, number);
            }
        }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked first")]
    fn pairwise(&self, per_gap: f64, targets: Range<u32>, mut each: impl FnMut(u32, u32, u64)) {
        for target in targets {
            let key = self.pairs.with(target.into());
            let first = u64::from(target) * u64::from(self.sources);
            let (mut source, mut counter) = (0, 0);
            loop {
                let gap = ln(unit_open(key.draw(counter))) * per_gap;
                if gap >= f64::from(self.sources - source) {
                    break;
                }
                source += gap as u32;
                if !(self.without_self && source == target) {
                    each(source, target, first + u64::from(source));
                }
                source += 1;
                counter += 1;
            }
        }
    }

    /// How many of one side a neuron can be connected with.
    fn choices(&self, side: u32) -> u32 {
        side.saturating_sub(self.without_self.into())
    }

    /// The neuron that was chosen: without itself, those above it move up by one.
    #[inline]
    fn other(&self, choice: u32, own: u32) -> u32 {
        choice + u32::from(self.without_self && choice >= own)
    }
}

#[cfg(test)]
#[path = "drawn_tests.rs"]
mod tests;
