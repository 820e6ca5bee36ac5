//! Times of 32 bits, carried on when they go round.

/// A clock of which the lowest 32 bits are told, every 71.6 minutes the same \[µs\].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clock32 {
    latest_us: Option<u64>,
}

impl Clock32 {
    /// What stands above the bits of the latest time \[µs\]: as long as bits do not go down, times are
    /// this and the bits.
    #[inline]
    pub(crate) fn turns_us(&self) -> u64 {
        self.latest_us.unwrap_or(0) & !u64::from(u32::MAX)
    }

    /// The bits of the latest time; 0 before the first.
    #[inline]
    pub(crate) fn latest_low_us(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "the low half is asked for")]
        let low_us = self.latest_us.unwrap_or(0) as u32;
        low_us
    }

    /// The time nearest to the latest so far that ends in these bits: what comes out of order by less
    /// than half a turn stays where it belongs.
    #[inline]
    pub(crate) fn carry_on(&mut self, low_us: u32) -> u64 {
        let Some(latest_us) = self.latest_us else {
            self.latest_us = Some(low_us.into());
            return low_us.into();
        };
        #[expect(clippy::cast_possible_truncation, reason = "the low half is what is compared")]
        let step_us = low_us.wrapping_sub(latest_us as u32).cast_signed();
        // Before the first turn there is nothing to step back into.
        let Some(t_us) = latest_us.checked_add_signed(step_us.into()) else {
            return low_us.into();
        };
        self.latest_us = Some(t_us.max(latest_us));
        t_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried_on(lows: &[u32]) -> Vec<u64> {
        let mut clock = Clock32::default();
        lows.iter().map(|&low| clock.carry_on(low)).collect()
    }

    #[test]
    fn goes_round_and_back_across_the_turn() {
        let turn = 1_u64 << 32;
        let times = carried_on(&[u32::MAX - 5, 3, u32::MAX - 1, 10]);
        assert_eq!(times, [turn - 6, turn + 3, turn - 2, turn + 10]);
        assert_eq!(
            carried_on(&[u32::MAX, 0, 1 << 30, 1 << 31, 3 << 30, 0]).last(),
            Some(&(2 * turn))
        );
    }

    #[test]
    fn nothing_lies_before_the_first_turn() {
        assert_eq!(carried_on(&[5, u32::MAX, 9]), [5, u64::from(u32::MAX), 9]);
    }
}
