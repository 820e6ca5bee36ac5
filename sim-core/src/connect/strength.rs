//! How much of each weight an emission delivers: so many times, or a part of it.
//!
//! On most projections an emission's multiplicity counts spikes. Where short-term plasticity is at
//! work it counts 65 536ths of a weight instead, from departure on: a part of a weight of `w` quanta
//! is the nearest whole number of quanta, halves rounded up, and never more than `w` itself.

/// Bits of a part after the point.
const PART_BITS: u32 = 16;
/// A whole weight, in parts.
pub(crate) const PARTS: u32 = 1 << PART_BITS;
/// Up to this multiplicity, times a weight of 24 bits, an amount fits 32 bits.
pub(crate) const FEW_MAX: u32 = 255;

/// What the multiplicity of an emission counts on a projection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Spikes.
    #[default]
    Spikes,
    /// 65 536ths of a weight, at most all of them.
    Parts,
}

/// What an emission makes of a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strength {
    /// So many times it; fits 32 bits.
    Few(i32),
    /// So many times it.
    Many(i64),
    /// A part of it.
    Part(Part),
}

/// A number of 65 536ths, at most [`PARTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part(u32);

impl Unit {
    /// What a multiplicity means in this unit.
    #[inline]
    pub(crate) fn strength(self, multiplicity: u32) -> Strength {
        match self {
            Self::Spikes if multiplicity <= FEW_MAX => Strength::Few(multiplicity.cast_signed()),
            Self::Spikes => Strength::Many(multiplicity.into()),
            Self::Parts => Strength::Part(Part(multiplicity)),
        }
    }
}

impl Part {
    /// That part of a weight \[quanta\].
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "no more than the weight")]
    pub(crate) fn of(self, weight: i32) -> i32 {
        debug_assert!(self.0 <= PARTS, "short-term plasticity delivers a weight once at most");
        let product = i64::from(weight) * i64::from(self.0);
        ((product + i64::from(PARTS / 2)) >> PART_BITS) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_rounded_to_the_nearest_quantum_and_never_exceeds_the_weight() {
        for (parts, weight, expected) in
            [(0, 9, 0), (PARTS, 9, 9), (PARTS, -9, -9), (PARTS / 2, 9, 5), (PARTS / 2, -9, -4)]
        {
            assert_eq!(Part(parts).of(weight), expected, "{parts} parts of {weight}");
        }
        for weight in [-(1 << 23), -1, 1, (1 << 23) - 1] {
            for parts in (0..=PARTS).step_by(4_369).chain([1, PARTS - 1]) {
                assert!(Part(parts).of(weight).abs() <= i32::abs(weight));
            }
        }
    }
}
