//! Latencies of all sessions of a network, in a few fixed classes.
//!
//! Filled by the I/O thread and the simulation threads, once a batch or a turn, and read by
//! whoever scrapes: single counters, so that nobody waits for anybody.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Upper bounds of the classes \[ns\]; what is above the last is in none of them.
const BOUNDS_NS: [u64; 19] = [
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// Latencies of one kind.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    /// One a bound, and one for what is above all.
    counts: [AtomicU64; BOUNDS_NS.len() + 1],
    sum_ns: AtomicU64,
}

/// What a session measures.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    pub(crate) queue: Buckets,
    pub(crate) core: Buckets,
    pub(crate) wire: Buckets,
}

impl Buckets {
    pub(crate) fn add(&self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let class = BOUNDS_NS.partition_point(|&bound| bound < ns);
        // Ordering: Relaxed both, figures: a sum may be a measurement ahead of the counts.
        self.counts[class].fetch_add(1, Relaxed);
        self.sum_ns.fetch_add(ns, Relaxed);
    }

    /// The upper bound of each class \[s\] and what is in it alone, ascending.
    pub(crate) fn classes(&self) -> Vec<(f64, u64)> {
        let seconds = BOUNDS_NS.iter().map(|&ns| Duration::from_nanos(ns).as_secs_f64());
        // Ordering: Relaxed, as above.
        let counts = self.counts.iter().map(|count| count.load(Relaxed));
        seconds.chain([f64::INFINITY]).zip(counts).collect()
    }

    /// Of all measurements \[s\].
    pub(crate) fn sum(&self) -> f64 {
        // Ordering: Relaxed, as above.
        Duration::from_nanos(self.sum_ns.load(Relaxed)).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_first_class_whose_bound_it_does_not_exceed() {
        let buckets = Buckets::default();
        for ns in [0, 10_000, 10_001, 10_000_000_000, 10_000_000_001] {
            buckets.add(Duration::from_nanos(ns));
        }
        let filled: Vec<_> =
            buckets.classes().into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(1e-5, 2), (2.5e-5, 1), (10.0, 1), (f64::INFINITY, 1)]);
        assert!((buckets.sum() - 20.000_020_002).abs() < 1e-12);
    }
}
