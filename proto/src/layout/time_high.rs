//! The slow part of a sensor's time, of which a TIME_HIGH word carries the lowest `BITS` bits.
//!
//! A word that goes down by half its range or more has wrapped around; one that goes down by less
//! is late, and time steps back. An encoder therefore never steps forward by more than half the
//! range at once: it bridges a longer silence with words in between.

/// Fewer words than this bridge a silence; for EVT3 six days, for EVT2 seventeen years.
const BRIDGE_WORDS_MAX: u64 = 1 << 16;

const fn half(bits: u32) -> u64 {
    1 << (bits - 1)
}

/// The whole slow part of time after a word, given the one before it.
pub(super) const fn unwrapped<const BITS: u32>(before: u64, word: u64) -> u64 {
    let mask = (1 << BITS) - 1;
    let loops = before >> BITS;
    let wrapped = before & mask >= word + half(BITS);
    (loops.wrapping_add(wrapped as u64)) << BITS | word
}

/// Why the slow part of time cannot be moved.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Backward,
    Gap,
}

/// The writing side: which TIME_HIGH words to write so that a reader follows.
#[derive(Clone, Debug)]
pub(super) struct Clock<const BITS: u32> {
    high: Option<u64>,
}

impl<const BITS: u32> Clock<BITS> {
    pub(super) const fn new() -> Self {
        Self { high: None }
    }

    /// The slow part of the last time written.
    pub(super) const fn high(&self) -> u64 {
        match self.high {
            Some(high) => high,
            None => 0,
        }
    }

    /// Moves to a time whose slow part is `target`, writing words (if any are needed); a refused
    /// move writes none.
    pub(super) fn advance(
        &mut self,
        target: u64,
        mut write: impl FnMut(u64),
    ) -> Result<(), Refusal> {
        if self.high == Some(target) {
            return Ok(());
        }
        let wraps = target >> BITS != self.high() >> BITS;
        if target < self.high() && (wraps || self.high() - target >= half(BITS)) {
            return Err(Refusal::Backward);
        }
        if target.saturating_sub(self.high()) / half(BITS) >= BRIDGE_WORDS_MAX {
            return Err(Refusal::Gap);
        }
        let mut write_low_bits = |high: u64| write(high & ((1 << BITS) - 1));
        if self.high.is_none() && wraps {
            write_low_bits(0);
        }
        let mut high = self.high();
        while wraps && target - high > half(BITS) {
            high += half(BITS);
            write_low_bits(high);
        }
        write_low_bits(target);
        self.high = Some(target);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_back(words: &[u64]) -> Option<u64> {
        words.iter().copied().reduce(unwrapped::<4>)
    }

    proptest! {
        /// A reader of the words arrives where the writer went, in a range of 16.
        #[test]
        fn a_reader_follows_the_clock(targets in prop::collection::vec(0..200_u64, 1..30)) {
            let (mut clock, mut words) = (Clock::<4>::new(), Vec::new());
            for target in targets {
                let before = (words.len(), clock.high());
                match clock.advance(target, |word| words.push(word)) {
                    Ok(()) => prop_assert_eq!(read_back(&words), Some(target)),
                    Err(refusal) => {
                        prop_assert_eq!(refusal, Refusal::Backward);
                        prop_assert!(target < before.1);
                        prop_assert_eq!(before, (words.len(), clock.high()));
                    }
                }
            }
        }
    }

    #[test]
    fn half_the_range_down_is_a_wrap_and_less_is_late() {
        assert_eq!(unwrapped::<4>(8, 0), 16);
        assert_eq!(unwrapped::<4>(7, 0), 0);
        assert_eq!(unwrapped::<4>(16 + 15, 7), 32 + 7);
        assert_eq!(unwrapped::<4>(16 + 14, 7), 16 + 7);
    }

    #[test]
    fn refuses_a_silence_without_end() {
        let mut clock = Clock::<12>::new();
        assert_eq!(clock.advance(u64::MAX >> 12, |_| {}), Err(Refusal::Gap));
    }
}
