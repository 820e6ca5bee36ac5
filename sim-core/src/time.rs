//! Ticks, delays and the one place where sensor time becomes session time.
//!
//! Time is a `u64` count of ticks since the session's origin. A sensor's time stamp \[µs\] is
//! floored to its tick here and nowhere else, after the filters, which work in µs.

use std::num::NonZeroU64;

/// The longest tick \[ns\]: one second.
const TICK_NS_MAX: u64 = 1_000_000_000;
const NS_PER_US: u64 = 1_000;

/// A count of ticks since the session's origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

impl Tick {
    /// The tick after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The tick at which a spike emitted now arrives after `delay`.
    #[must_use]
    pub const fn after(self, delay: Delay) -> Self {
        Self(self.0.saturating_add(delay.0 as u64))
    }
}

/// A delay \[ticks\]. Zero is allowed only where the plan has proved that no cycle of zero delay
/// exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Delay(pub u32);

/// When something happens within a tick: each hop without delay and each winner-take-all is one
/// rank later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(pub u16);

/// The length of a tick, 1 ns to 1 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickLength(NonZeroU64);

impl TickLength {
    /// One microsecond, the default.
    pub const MICROSECOND: Self = Self(NonZeroU64::new(1_000).expect("a constant above zero"));
    /// One millisecond.
    pub const MILLISECOND: Self = Self(NonZeroU64::new(1_000_000).expect("a constant above zero"));

    /// A tick of `ns` nanoseconds; `None` outside 1 ns to 1 s.
    #[must_use]
    pub fn from_ns(ns: u64) -> Option<Self> {
        NonZeroU64::new(ns).filter(|ns| ns.get() <= TICK_NS_MAX).map(Self)
    }

    /// The length \[ns\].
    #[must_use]
    pub const fn ns(self) -> u64 {
        self.0.get()
    }

    /// The length \[ms\].
    #[must_use]
    pub fn ms(self) -> f64 {
        self.0.get() as f64 / 1e6
    }

    /// The tick that contains a time stamp, counted from `origin_us`; `None` before the origin.
    #[must_use]
    pub fn tick_of(self, time_us: u64, origin_us: u64) -> Option<Tick> {
        let since_us = time_us.checked_sub(origin_us)?;
        // All but the far end of time fits 64 bits, whose division takes a fraction of the time.
        if let Some(since_ns) = since_us.checked_mul(NS_PER_US) {
            return Some(Tick(since_ns / self.0));
        }
        let since_ns = u128::from(since_us) * u128::from(NS_PER_US);
        Some(Tick(u64::try_from(since_ns / u128::from(self.ns())).unwrap_or(u64::MAX)))
    }

    /// The start of a tick on the sender's clock \[µs\], rounded down.
    #[must_use]
    pub fn start_us(self, tick: Tick, origin_us: u64) -> u64 {
        let since_us = u128::from(tick.0) * u128::from(self.ns()) / u128::from(NS_PER_US);
        origin_us.saturating_add(u64::try_from(since_us).unwrap_or(u64::MAX))
    }

    /// The first time stamp that lies in a tick, or after it where a tick holds none \[µs\].
    #[must_use]
    pub fn first_us(self, tick: Tick, origin_us: u64) -> u64 {
        if let Some(since_ns) = tick.0.checked_mul(self.ns()) {
            return origin_us.saturating_add(since_ns.div_ceil(NS_PER_US));
        }
        let since_ns = u128::from(tick.0) * u128::from(self.ns());
        let since_us = since_ns.div_ceil(u128::from(NS_PER_US));
        origin_us.saturating_add(u64::try_from(since_us).unwrap_or(u64::MAX))
    }

    /// The number of ticks that are over once no event before `promise_us` can come.
    #[must_use]
    pub fn closed_by(self, promise_us: u64, origin_us: u64) -> Tick {
        self.tick_of(promise_us, origin_us).unwrap_or_default()
    }
}

impl Default for TickLength {
    fn default() -> Self {
        Self::MICROSECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_a_time_stamp_to_the_tick_that_contains_it() {
        let tick = TickLength::MILLISECOND;
        for (time_us, expected) in [(0, 0), (999, 0), (1_000, 1), (1_001, 1), (1_999, 1)] {
            assert_eq!(tick.tick_of(time_us, 0), Some(Tick(expected)), "{time_us} µs");
        }
        assert_eq!(tick.tick_of(7, 8), None);
    }

    #[test]
    fn keeps_ticks_shorter_than_a_microsecond() {
        let tick = TickLength::from_ns(300).expect("in range");
        assert_eq!(tick.tick_of(1, 0), Some(Tick(3)));
        assert_eq!(tick.start_us(Tick(4), 10), 11);
    }

    #[test]
    fn a_tick_begins_with_the_first_time_stamp_that_lies_in_it() {
        for (ns, tick, expected) in [(300, 4, 2), (1_500, 1, 2), (1_500, 2, 3), (10_000, 7, 70)] {
            let length = TickLength::from_ns(ns).expect("in range");
            assert_eq!(length.first_us(Tick(tick), 0), expected, "tick {tick} of {ns} ns");
        }
    }

    #[test]
    fn the_far_end_of_time_is_told_as_the_near_one() {
        let tick = TickLength::from_ns(7_000).expect("in range");
        let near = u64::MAX / NS_PER_US;
        for time_us in [near - 1, near, near + 1, near + 7, u64::MAX] {
            assert_eq!(tick.tick_of(time_us, 0), Some(Tick(time_us / 7)), "{time_us} µs");
            let within = Tick(time_us / 7);
            assert_eq!(tick.first_us(within, 0), within.0 * 7, "tick {}", within.0);
        }
    }

    #[test]
    fn closes_only_whole_ticks() {
        let tick = TickLength::MILLISECOND;
        assert_eq!(tick.closed_by(1_999, 0), Tick(1));
        assert_eq!(tick.closed_by(2_000, 0), Tick(2));
        assert_eq!(tick.closed_by(5, 10), Tick(0));
    }
}
