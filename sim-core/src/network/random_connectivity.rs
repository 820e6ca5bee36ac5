//! Random connectivity as its author describes it: a rule and how weights and delays vary.
//!
//! Which synapses there are follows from this description, the seed and the sizes of both ends
//! (`connect::drawn` draws them): never from threads, nor from where a neuron is simulated.

use super::{Sampler, Values};
use crate::random::{Key, Purpose, below};

/// Synapses of one projection, as for explicit ones.
const SYNAPSES_MAX: u64 = 1 << 31;
/// The longest delay that can be drawn \[ticks\].
const DELAY_TICKS_MAX: u32 = u32::MAX - 1;

/// Synapses drawn from a seed, never stored.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomConnectivity {
    /// Which pairs are connected.
    pub rule: RandomRule,
    /// A weight for every synapse, in the unit of the target's threshold.
    pub weights: Values,
    /// A delay for every synapse.
    pub delays_ticks: Delays,
    /// Whether a neuron may be connected to itself, where source and target are one population.
    /// Where it may not, the number of synapses stays and the others take their part, except with
    /// [`RandomRule::Pairwise`], which leaves the pair out.
    pub allow_self: bool,
    /// What to draw from instead of the network's seed and the projection's position. Two
    /// projections with one seed, rule and sizes connect the same pairs, in the same order.
    pub seed: Option<u64>,
}

/// Which pairs are connected. All rules but the last draw with replacement: several synapses
/// between one pair (multapses) are normal, each with its own weight and delay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RandomRule {
    /// Each target has so many synapses, their sources drawn uniformly.
    FixedInDegree(u32),
    /// Each source has so many synapses, their targets drawn uniformly.
    FixedOutDegree(u32),
    /// So many synapses in all, source and target drawn uniformly for each: the multinomial of
    /// Potjans and Diesmann (2014), who take `ln(1 - p) / ln(1 - 1 / (sources × targets))` for a
    /// probability p that a pair is connected at all.
    FixedTotal(u64),
    /// Each pair is connected once or not at all, independently of the others (Bernoulli).
    Pairwise {
        /// Of a synapse, 0 to 1.
        probability: f64,
    },
}

/// How synapses' delays vary \[ticks\].
#[derive(Clone, Debug, PartialEq)]
pub enum Delays {
    /// One for all \[ticks\].
    Same(u32),
    /// Whole numbers of ticks from min to max, both included, all equally likely.
    Uniform {
        /// The shortest \[ticks\].
        min: u32,
        /// The longest \[ticks\].
        max: u32,
    },
    /// Values \[ticks\] rounded to the nearest whole tick, ties to even; a value below `min` after
    /// that counts as `min`. Bounds of the values hold before rounding: from a normal distribution
    /// with a smallest value of 1, only what lies in [1, 1.5] becomes a delay of 1. With 0.5 it is
    /// (0.5, 1.5] as for any other delay.
    Rounded {
        /// Before rounding \[ticks\].
        values: Values,
        /// The shortest \[ticks\].
        min: u32,
    },
}

impl From<u32> for Delays {
    fn from(ticks: u32) -> Self {
        Self::Same(ticks)
    }
}

impl Delays {
    /// The shortest and the longest delay that can come \[ticks\].
    pub(crate) fn bounds_ticks(&self) -> (u32, u32) {
        match *self {
            Self::Same(ticks) => (ticks, ticks),
            Self::Uniform { min, max } => (min, max),
            Self::Rounded { ref values, min } => {
                let (shortest, longest) = values.bounds();
                (round_ticks(shortest).max(min), round_ticks(longest).max(min))
            }
        }
    }

    /// Ready to draw; for delays that were checked.
    pub(crate) fn sampler(&self) -> DelaySampler {
        match *self {
            Self::Same(ticks) => DelaySampler::Same(ticks),
            Self::Uniform { min, max } => DelaySampler::Uniform { min, count: max - min + 1 },
            Self::Rounded { ref values, min } => DelaySampler::Rounded(values.sampler(), min),
        }
    }

    fn check(&self) -> Result<(), String> {
        let (min, max) = match *self {
            Self::Rounded { ref values, min } => {
                values.check(None)?;
                (min, values.bounds().1.max(min.into()))
            }
            _ => {
                let (min, max) = self.bounds_ticks();
                (min, f64::from(max))
            }
        };
        if f64::from(min) > max {
            return Err(format!("min is {min} ticks, above max, {max} ticks"));
        }
        if max > f64::from(DELAY_TICKS_MAX) {
            return Err(format!("a delay of {max} ticks; at most {DELAY_TICKS_MAX} are possible"));
        }
        Ok(())
    }

    fn fields(&self, to: &mut Vec<u64>) {
        match *self {
            Self::Same(ticks) => to.extend([1, ticks.into()]),
            Self::Uniform { min, max } => to.extend([2, min.into(), max.into()]),
            Self::Rounded { ref values, min } => {
                to.extend([3, min.into()]);
                values.fields(to);
            }
        }
    }
}

/// Delays ready to draw.
#[derive(Clone, Debug)]
pub(crate) enum DelaySampler {
    Same(u32),
    Uniform {
        min: u32,
        count: u32,
    },
    /// With the shortest.
    Rounded(Sampler, u32),
}

impl DelaySampler {
    /// The delay of one index.
    #[inline]
    pub(crate) fn sample_ticks(&self, key: Key, index: u64) -> u32 {
        match self {
            Self::Same(ticks) => *ticks,
            Self::Uniform { min, count } => min + below(key.draw(index), *count),
            Self::Rounded(values, min) => round_ticks(values.sample(key, index)).max(*min),
        }
    }
}

/// To the nearest whole tick, ties to even; what lies outside becomes the nearest that there is.
#[inline]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn round_ticks(ticks: f64) -> u32 {
    ticks.round_ties_even() as u32
}

impl RandomConnectivity {
    /// Synapses of one weight and one delay, none of a neuron with itself.
    #[must_use]
    pub fn new(rule: RandomRule, weights: impl Into<Values>, delays: impl Into<Delays>) -> Self {
        let (weights, delays_ticks) = (weights.into(), delays.into());
        Self { rule, weights, delays_ticks, allow_self: false, seed: None }
    }

    /// Whether this can be drawn between so many sources and targets; otherwise which part of it
    /// is wrong, and how. `recurrent` says that both ends are one population.
    pub(crate) fn check(
        &self,
        sources: u32,
        targets: u32,
        recurrent: bool,
    ) -> Result<(), (&'static str, String)> {
        self.check_rule(sources, targets, recurrent).map_err(|message| ("rule", message))?;
        self.weights.check(None).map_err(|message| ("weights", message))?;
        self.delays_ticks.check().map_err(|message| ("delays", message))
    }

    fn check_rule(&self, sources: u32, targets: u32, recurrent: bool) -> Result<(), String> {
        if let RandomRule::Pairwise { probability } = self.rule
            && !(0.0..=1.0).contains(&probability)
        {
            return Err(format!("a probability of {probability}; it is in 0..=1"));
        }
        let expected = self.synapses_expected(sources, targets);
        if expected > SYNAPSES_MAX {
            return Err(format!("{expected} synapses; at most {SYNAPSES_MAX} are possible"));
        }
        let others = if recurrent && !self.allow_self { 1 } else { 0 };
        let has_pairs = targets > 0 && sources > others;
        if expected > 0 && !has_pairs {
            return Err(format!(
                "{expected} synapses between {sources} sources and {targets} targets{}",
                if others > 0 { ", none with itself" } else { "" }
            ));
        }
        Ok(())
    }

    /// The number of synapses, exact but for [`RandomRule::Pairwise`], of which it is the mean.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    pub(crate) fn synapses_expected(&self, sources: u32, targets: u32) -> u64 {
        match self.rule {
            RandomRule::FixedInDegree(degree) => u64::from(targets) * u64::from(degree),
            RandomRule::FixedOutDegree(degree) => u64::from(sources) * u64::from(degree),
            RandomRule::FixedTotal(total) => total,
            RandomRule::Pairwise { probability } => {
                (f64::from(sources) * f64::from(targets) * probability).round() as u64
            }
        }
    }

    /// The numbers that determine every synapse, beside the seed, the projection's position and
    /// the sizes of both ends. No two descriptions give the same.
    pub(crate) fn fields(&self) -> Vec<u64> {
        let rule = match self.rule {
            RandomRule::FixedInDegree(degree) => [1, degree.into()],
            RandomRule::FixedOutDegree(degree) => [2, degree.into()],
            RandomRule::FixedTotal(total) => [3, total],
            RandomRule::Pairwise { probability } => [4, probability.to_bits()],
        };
        let mut fields = rule.to_vec();
        fields.push(self.allow_self.into());
        fields.extend([self.seed.is_some().into(), self.seed.unwrap_or_default()]);
        self.weights.fields(&mut fields);
        self.delays_ticks.fields(&mut fields);
        fields
    }

    /// The key for one purpose, from its own seed or from the network's and the position.
    pub(crate) fn key(&self, purpose: Purpose, seed: u64, projection: u16) -> Key {
        match self.seed {
            Some(own) => Key::new(own, purpose),
            None => Key::new(seed, purpose).with(projection.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(rule: RandomRule) -> RandomConnectivity {
        RandomConnectivity::new(rule, 1.0, 3)
    }

    /// Seen to fail with a check that forgets the neuron itself.
    #[test]
    fn what_cannot_be_drawn_is_refused_with_its_part_and_value() {
        let degree = random(RandomRule::FixedInDegree(2));
        assert_eq!(degree.check(1, 1, false), Ok(()));
        let message = "2 synapses between 1 sources and 1 targets, none with itself";
        assert_eq!(degree.check(1, 1, true), Err(("rule", message.into())));
        let itself = RandomConnectivity { allow_self: true, ..degree };
        assert_eq!(itself.check(1, 1, true), Ok(()));
        let none = random(RandomRule::FixedTotal(0));
        assert_eq!(none.check(0, 0, true), Ok(()));
        let rules = [
            (RandomRule::Pairwise { probability: 1.5 }, "a probability of 1.5; it is in 0..=1"),
            (
                RandomRule::Pairwise { probability: f64::NAN },
                "a probability of NaN; it is in 0..=1",
            ),
            (
                RandomRule::FixedOutDegree(1 << 31),
                "6442450944 synapses; at most 2147483648 are possible",
            ),
            (
                RandomRule::FixedTotal(u64::MAX),
                "18446744073709551615 synapses; at most 2147483648 are possible",
            ),
        ];
        for (rule, message) in rules {
            assert_eq!(random(rule).check(3, 4, false), Err(("rule", message.into())));
        }
        let weights = RandomConnectivity { weights: Values::Each([1.0].into()), ..itself.clone() };
        assert_eq!(weights.check(3, 4, false).unwrap_err().0, "weights");
        let long = Values::normal(4e9, 1e9);
        let delays = [
            (Delays::Uniform { min: 3, max: 2 }, "min is 3 ticks, above max, 2 ticks"),
            (
                Delays::Same(u32::MAX),
                "a delay of 4294967295 ticks; at most 4294967294 are possible",
            ),
            (
                Delays::Rounded { values: long, min: 1 },
                "a delay of 9000000000 ticks; at most 4294967294 are possible",
            ),
            (Delays::Rounded { values: Values::normal(1.0, -1.0), min: 1 }, "sd is -1, below 0"),
        ];
        for (delays_ticks, message) in delays {
            let connectivity = RandomConnectivity { delays_ticks, ..itself.clone() };
            assert_eq!(connectivity.check(3, 4, false), Err(("delays", message.into())));
        }
    }

    #[test]
    fn delays_are_rounded_to_even_and_bounded() {
        let rounded = [-1e9, -0.5, 0.5, 0.500_1, 1.5, 2.5, 4e9, 1e10].map(round_ticks);
        assert_eq!(rounded, [0, 0, 0, 1, 2, 2, 4_000_000_000, u32::MAX]);
        let values = Values::Normal { mean: 15.0, sd: 7.5, min: Some(0.5), max: None };
        assert_eq!(Delays::Rounded { values, min: 1 }.bounds_ticks(), (1, 52));
        assert_eq!(Delays::Uniform { min: 2, max: 9 }.bounds_ticks(), (2, 9));
    }

    #[test]
    fn descriptions_that_differ_have_other_fields() {
        let base = random(RandomRule::FixedInDegree(2));
        let with = |delays_ticks| RandomConnectivity { delays_ticks, ..base.clone() };
        let all = [
            base.clone(),
            random(RandomRule::FixedInDegree(3)),
            random(RandomRule::FixedOutDegree(2)),
            random(RandomRule::FixedTotal(2)),
            random(RandomRule::Pairwise { probability: 0.5 }),
            RandomConnectivity { allow_self: true, ..base.clone() },
            RandomConnectivity { seed: Some(0), ..base.clone() },
            RandomConnectivity { seed: Some(1), ..base.clone() },
            RandomConnectivity { weights: Values::normal(1.0, 0.0), ..base.clone() },
            with(Delays::Same(4)),
            with(Delays::Uniform { min: 3, max: 3 }),
            with(Delays::Rounded { values: 3.0.into(), min: 0 }),
            with(Delays::Rounded { values: 3.0.into(), min: 1 }),
        ];
        for (position, connectivity) in all.iter().enumerate() {
            let found = all[..position].iter().any(|other| other.fields() == connectivity.fields());
            assert!(!found, "{position}");
        }
    }
}
