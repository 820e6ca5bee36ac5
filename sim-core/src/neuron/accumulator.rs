//! The accumulator: adds what arrives in one tick, compares, forgets.
//!
//! `s_c(t) = [|B_c(t)| >= theta]`, the stateless neuron of Grimaldi and Perrinet (2023) with a hard
//! threshold in place of the logistic function. With `rectify = absolute`, a pattern and its
//! polarity-flipped twin count alike. Values and threshold are integers, in quanta: the comparison
//! is exact.

use crate::{
    network::{AccumulatorParameters, Rectify},
    sums::{LANES, to_u32},
};

#[derive(Clone, Debug)]
pub(crate) struct Accumulator {
    /// Fires at or above this \[quanta\]; at least 1.
    threshold: i64,
    rectify: Rectify,
}

impl Accumulator {
    pub(crate) fn new(parameters: &AccumulatorParameters, quantum: f64) -> Self {
        let quanta = parameters.threshold / quantum;
        let reached = if parameters.strict { quanta.floor() + 1.0 } else { quanta.ceil() };
        #[expect(clippy::cast_possible_truncation, reason = "saturates: such a sum is never met")]
        let threshold = (reached as i64).max(1);
        Self { threshold, rectify: parameters.rectify }
    }

    #[inline]
    fn value(&self, sum: i64) -> i64 {
        match self.rectify {
            Rectify::None => sum,
            Rectify::Absolute => sum.abs(),
        }
    }

    /// Whether a sum fires.
    #[inline]
    pub(crate) fn fires(&self, sum: i64) -> bool {
        self.value(sum) >= self.threshold
    }

    /// The channel with the largest value among those that fire at one place, ties to the lowest.
    /// Quads may be padded with zeros, which never fire.
    #[inline]
    pub(crate) fn winner(&self, quads: impl Iterator<Item = [i64; LANES]>) -> Option<u32> {
        let mut best = (self.threshold - 1, None);
        for (first, quad) in (0..).step_by(LANES).zip(quads) {
            for (lane, sum) in quad.into_iter().enumerate() {
                let value = self.value(sum);
                if value > best.0 {
                    best = (value, Some(first + to_u32(lane)));
                }
            }
        }
        best.1
    }

    /// The largest sum, of either sign, that is sure not to fire; for quick rejection.
    pub(crate) fn silent_below(&self) -> i64 {
        self.threshold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accumulator(threshold: f64, rectify: Rectify, strict: bool) -> Accumulator {
        Accumulator::new(&AccumulatorParameters { threshold, rectify, strict }, 0.25)
    }

    #[test]
    fn compares_exactly_with_a_threshold_between_two_quanta() {
        let reached = accumulator(1.0, Rectify::None, false);
        assert!(reached.fires(4) && !reached.fires(3) && !reached.fires(-4));
        let exceeded = accumulator(1.0, Rectify::None, true);
        assert!(exceeded.fires(5) && !exceeded.fires(4));
        let between = accumulator(1.1, Rectify::None, false);
        assert!(between.fires(5) && !between.fires(4));
        assert!(accumulator(1.0, Rectify::Absolute, false).fires(-4));
    }

    #[test]
    fn the_largest_value_wins_and_the_lowest_of_equals() {
        let absolute = accumulator(1.0, Rectify::Absolute, false);
        assert_eq!(absolute.winner([[1, -7, 7, 2], [7, 0, 0, 0]].into_iter()), Some(1));
        assert_eq!(absolute.winner([[1, 2, 3, -3]].into_iter()), None);
        let signed = accumulator(1.0, Rectify::None, false);
        assert_eq!(signed.winner([[1, -7, 6, 2], [7, 0, 0, 0]].into_iter()), Some(4));
    }
}
