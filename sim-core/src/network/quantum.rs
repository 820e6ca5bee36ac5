//! The quantum of a population: the power of two in which weights and sums are counted (law 3).
//!
//! Chosen as fine as the largest weight allows in 23 bits, and coarser, down to 16, if that lets a
//! bound prove that no sum can leave 32 bits. Otherwise sums have 64. The bound: every synapse
//! delivers, in one tick, as often as its source can fire.

use crate::math::{ceil_log2, power_of_two};

/// Magnitude bits of the largest weight: at most, so that it fits the rows' 24 bits with its sign.
const BITS_FINE: i32 = 22;
/// At least, before sums become wide.
const BITS_COARSE: i32 = 15;

/// Magnitude bits of a sum.
const NARROW_BITS: i32 = 31;
const WIDE_BITS: i32 = 62;

/// How a population's numbers are held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) quantum: f64,
    pub(crate) wide: bool,
    /// From the bound of the heaviest sum to what its type can hold \[quanta\].
    pub(crate) headroom: i64,
}

/// The weights that can reach one neuron in one tick, each times how often its source can fire.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    /// Sum of the magnitudes.
    pub(crate) magnitude: f64,
    /// Number of arrivals; each is rounded by at most half a quantum.
    pub(crate) arrivals: f64,
}

impl Load {
    pub(crate) fn add(&mut self, weight: f64, times: f64) {
        self.magnitude += weight.abs() * times;
        self.arrivals += times;
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            magnitude: self.magnitude + other.magnitude,
            arrivals: self.arrivals + other.arrivals,
        }
    }

    fn quanta(self, quantum: f64) -> f64 {
        // A little above the true bound, for the rounding of the bound itself.
        (self.magnitude / quantum + self.arrivals * 0.5) * (1.0 + 1e-9) + 1.0
    }
}

/// Chooses a quantum; `None` if a sum could overflow even 64 bits.
pub(crate) fn choose(largest_weight: f64, heaviest: Load) -> Option<Scale> {
    if largest_weight == 0.0 {
        return Some(Scale { quantum: 1.0, wide: false, headroom: headroom(NARROW_BITS, 0.0) });
    }
    let quantum = |bits: i32| power_of_two(ceil_log2(largest_weight) - bits);
    let bound = |bits: i32| heaviest.quanta(quantum(bits));
    let fits = |&bits: &i32| bound(bits) < power_of_two(NARROW_BITS);
    if let Some(bits) = (BITS_COARSE..=BITS_FINE).rev().find(fits) {
        let headroom = headroom(NARROW_BITS, bound(bits));
        return Some(Scale { quantum: quantum(bits), wide: false, headroom });
    }
    let headroom = headroom(WIDE_BITS, bound(BITS_FINE));
    let wide = Scale { quantum: quantum(BITS_FINE), wide: true, headroom };
    (bound(BITS_FINE) < power_of_two(WIDE_BITS)).then_some(wide)
}

/// What is left below a limit; never more, where f64 leaves some out.
#[expect(clippy::cast_possible_truncation, reason = "saturates")]
fn headroom(limit_bits: i32, bound: f64) -> i64 {
    ((1_i64 << limit_bits) - 1).saturating_sub(bound.ceil() as i64).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(magnitude: f64, arrivals: f64) -> Load {
        Load { magnitude, arrivals }
    }

    #[test]
    fn is_as_fine_as_the_bound_allows() {
        let light = choose(1.0, load(100.0, 100.0)).expect("fits");
        assert_eq!((light.quantum, light.wide), (power_of_two(-22), false));
        let heavier = choose(1.0, load(10_000.0, 10_000.0)).expect("fits");
        assert_eq!((heavier.quantum, heavier.wide), (power_of_two(-17), false));
        let bound = 10_000 * (1 << 17) + 5_000;
        assert!(heavier.headroom < (1_i64 << 31) - bound && heavier.headroom > (1 << 29));
        let heavy = choose(1.0, load(1e6, 1e6)).expect("fits");
        assert_eq!((heavy.quantum, heavy.wide), (power_of_two(-22), true));
        assert_eq!(choose(1.0, load(1e13, 1e13)), None);
    }
}
