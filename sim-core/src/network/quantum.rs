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

/// How a population's numbers are held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) quantum: f64,
    pub(crate) wide: bool,
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
        return Some(Scale { quantum: 1.0, wide: false });
    }
    let quantum = |bits: i32| power_of_two(ceil_log2(largest_weight) - bits);
    let fits = |bits: i32, limit: f64| heaviest.quanta(quantum(bits)) < limit;
    let narrow = (BITS_COARSE..=BITS_FINE).rev().find(|&bits| fits(bits, power_of_two(31)));
    if let Some(bits) = narrow {
        return Some(Scale { quantum: quantum(bits), wide: false });
    }
    let wide = Scale { quantum: quantum(BITS_FINE), wide: true };
    fits(BITS_FINE, power_of_two(62)).then_some(wide)
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
        assert_eq!(light, Scale { quantum: power_of_two(-22), wide: false });
        let heavier = choose(1.0, load(10_000.0, 10_000.0)).expect("fits");
        assert_eq!(heavier, Scale { quantum: power_of_two(-17), wide: false });
        let heavy = choose(1.0, load(1e6, 1e6)).expect("fits");
        assert_eq!(heavy, Scale { quantum: power_of_two(-22), wide: true });
        assert_eq!(choose(1.0, load(1e13, 1e13)), None);
    }
}
