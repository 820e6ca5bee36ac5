//! Live pace: what a sensor's clock says by now, from the daemon's own.
//!
//! Every batch says that the sensor's clock had reached its latest event when it arrived; the
//! smallest difference seen lately is the way's shortest delay plus the clocks' offset, and the
//! best there is to tell the sensor's time by ([`LiveClock::watermark`]). Lately means the last half
//! minute or so: clocks drift, by microseconds a second. Pure: the daemon's monotonic time is given.

/// How long a smallest difference is believed.
const WINDOW_US: u64 = 15_000_000;
/// A time stamp that leaps ahead by more than this is not believed at once ...
const LEAP_US: u64 = 1_000_000;
/// ... but after so many in a row.
const LEAPS_BELIEVED: u32 = 8;

/// Tells the time of one sensor. Differences are daemon's time minus sensor's time.
#[derive(Clone, Debug, Default)]
pub(super) struct LiveClock {
    /// The smallest difference in this window and in the one before.
    least: Option<i128>,
    least_before: Option<i128>,
    window_ends_us: u64,
    leaps: u32,
}

impl LiveClock {
    /// The sensor's clock had reached `sensor_us` by `now_us`.
    pub(super) fn heard(&mut self, now_us: u64, sensor_us: u64) {
        let difference = i128::from(now_us) - i128::from(sensor_us);
        if let Some(known) = self.difference()
            && difference < known - i128::from(LEAP_US)
        {
            self.leaps += 1;
            if self.leaps < LEAPS_BELIEVED {
                return;
            }
        }
        self.leaps = 0;
        if now_us >= self.window_ends_us {
            self.least_before = self.least.take();
            self.window_ends_us = now_us + WINDOW_US;
        }
        self.least = Some(self.least.map_or(difference, |least| least.min(difference)));
    }

    fn difference(&self) -> Option<i128> {
        match (self.least, self.least_before) {
            (Some(least), Some(before)) => Some(least.min(before)),
            (least, before) => least.or(before),
        }
    }

    /// What no event is waited for below, once something was heard \[µs, sensor's clock\].
    pub(super) fn watermark(&self, now_us: u64, lateness_us: u64) -> Option<u64> {
        let sensor_us = i128::from(now_us) - self.difference()?;
        Some(u64::try_from(sensor_us - i128::from(lateness_us)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Jitter up to the lateness never makes an event late, whatever the offset; and a silent
        /// sensor is waited for no longer than the way's longest delay and the lateness.
        #[test]
        fn jitter_below_the_lateness_makes_nothing_late(
            offset_us in 0_u64..1 << 50,
            sensor_starts_us in 0_u64..1 << 50,
            jitters_us in prop::collection::vec(0_u64..10_000, 1..200),
            period_us in 100_u64..20_000,
        ) {
            const LATENESS_US: u64 = 10_000;
            let mut clock = LiveClock::default();
            let (mut arrivals, mut held_us) = (Vec::new(), 0);
            for (batch, jitter_us) in (0_u64..).zip(&jitters_us) {
                let sent_us = batch * period_us;
                arrivals.push((sent_us + jitter_us, sent_us));
            }
            // One connection keeps order.
            let mut now = 0;
            for (arrives_us, sent_us) in arrivals {
                now = arrives_us.max(now);
                let (now_us, sensor_us) = (now + offset_us, sensor_starts_us + sent_us);
                if let Some(watermark) = clock.watermark(now_us, LATENESS_US) {
                    held_us = held_us.max(watermark);
                }
                prop_assert!(sensor_us >= held_us, "{sensor_us} is below {held_us}");
                clock.heard(now_us, sensor_us);
            }
            let silent_us = 40_000;
            let watermark = clock.watermark(now + offset_us + silent_us, LATENESS_US).unwrap();
            let really_us = sensor_starts_us + now + silent_us;
            prop_assert!(watermark + LATENESS_US + 10_000 >= really_us);
        }
    }

    #[test]
    fn one_wild_time_stamp_moves_nothing_and_a_new_clock_is_believed() {
        let mut clock = LiveClock::default();
        clock.heard(1_000_000, 5_000);
        clock.heard(1_001_000, 4_000_000_000);
        assert_eq!(clock.watermark(1_002_000, 1_000), Some(6_000));
        for step in 0..u64::from(LEAPS_BELIEVED) {
            clock.heard(1_003_000 + step, 4_000_000_000 + step);
        }
        assert_eq!(clock.watermark(1_004_000, 1_000), Some(4_000_000_000));
    }

    #[test]
    fn a_slower_clock_is_followed_after_a_while() {
        let mut clock = LiveClock::default();
        clock.heard(0, 1_000);
        for seconds in 1..60 {
            clock.heard(seconds * 1_000_000, seconds * 1_000_000);
        }
        assert_eq!(clock.watermark(60_000_000, 0), Some(60_000_000));
    }
}
