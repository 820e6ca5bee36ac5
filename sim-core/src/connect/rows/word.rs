//! The words of a row, and how synapses become words.
//!
//! ```text
//! 63           40 39          24 23           0
//! | weight       | delay step   | target slot  |
//! | [quanta] i24 | [ticks] u16  | [lanes] u24  |
//! ```
//!
//! The delay step counts from the synapse before. One beyond 16 bits is a word of its own: target
//! slot all ones, the step in the upper 40 bits.

const TARGET_BITS: u32 = 24;
pub(super) const STEP_BITS: u32 = 16;
const TARGET_MASK: u64 = (1 << TARGET_BITS) - 1;
const WEIGHT_SHIFT: u32 = TARGET_BITS + STEP_BITS;
/// Of a weight; turned, numbers without sign are in the order of those with.
const SIGN: u64 = 1 << 23;
/// In place of a target: the rest of the word is a long delay step.
const GAP: u64 = TARGET_MASK;
/// The largest target slot \[lanes\] that a row can name.
pub(crate) const SLOT_MAX: u64 = TARGET_MASK - 1;

/// One synapse before packing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Synapse {
    pub(crate) source: u32,
    pub(crate) delay_ticks: u32,
    /// Where the target's sum lies \[lanes\], at most [`SLOT_MAX`].
    pub(crate) slot: u32,
    /// \[quanta\], 24 bits signed.
    pub(crate) weight: i32,
}

pub(super) fn word_count<T>(words: &[T]) -> u32 {
    u32::try_from(words.len()).expect("validation bounds a projection to 2^31 synapses")
}

/// A synapse as a number in delay order: delay, target slot, weight.
pub(super) fn sortable(synapse: Synapse) -> u64 {
    debug_assert!(u64::from(synapse.slot) <= SLOT_MAX, "validation bounds the slot");
    let weight = (u64::from(synapse.weight.cast_unsigned()) & TARGET_MASK) ^ SIGN;
    let delay = u64::from(synapse.delay_ticks) << (64 - STEP_BITS);
    delay | u64::from(synapse.slot) << TARGET_BITS | weight
}

/// Turns sorted numbers into words; returns the ticks between the first and the last delay.
pub(super) fn encode(row: &mut [u64]) -> u64 {
    let mut before = 0;
    let first = row.first().map_or(0, |first| first >> (64 - STEP_BITS));
    for word in row {
        let delay = *word >> (64 - STEP_BITS);
        let (slot, weight) = (*word >> TARGET_BITS & TARGET_MASK, *word & TARGET_MASK ^ SIGN);
        *word = weight << WEIGHT_SHIFT | (delay - before) << TARGET_BITS | slot;
        before = delay;
    }
    before - first.min(before)
}

pub(super) fn pack_row(row: &[Synapse], words: &mut Vec<u64>) {
    let mut before = 0;
    for synapse in row {
        let mut step = u64::from(synapse.delay_ticks - before);
        before = synapse.delay_ticks;
        if step >= 1 << STEP_BITS {
            words.push(step << TARGET_BITS | GAP);
            step = 0;
        }
        debug_assert!(u64::from(synapse.slot) <= SLOT_MAX, "validation bounds the slot");
        let weight = i64::from(synapse.weight).cast_unsigned() << WEIGHT_SHIFT;
        words.push(weight | step << TARGET_BITS | u64::from(synapse.slot));
    }
}

#[inline]
pub(super) fn is_gap(word: u64) -> bool {
    word & TARGET_MASK == GAP
}

/// The ticks that a word without a synapse passes over.
#[inline]
pub(super) fn gap_ticks(word: u64) -> u64 {
    word >> TARGET_BITS
}

#[inline]
pub(super) fn slot(word: u64) -> u32 {
    (word & TARGET_MASK) as u32
}

#[inline]
pub(super) fn step_ticks(word: u64) -> u64 {
    word >> TARGET_BITS & ((1 << STEP_BITS) - 1)
}

/// The same synapse with another weight \[quanta\], of 24 bits.
pub(super) fn with_weight(word: u64, weight: i32) -> u64 {
    let others = word & ((1 << WEIGHT_SHIFT) - 1);
    others | i64::from(weight).cast_unsigned() << WEIGHT_SHIFT
}

#[inline]
pub(super) fn weight(word: u64) -> i32 {
    (word.cast_signed() >> WEIGHT_SHIFT) as i32
}
