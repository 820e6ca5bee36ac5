//! A distribution as a line: what share of the measurements took at most how long.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Points in each halving of the distance to 100 %.
const POINTS_PER_HALF: u32 = 4;

/// A point of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The share of the measurements that took at most `us`: 0 to 1.
    pub share: f64,
    /// How long \[µs\].
    pub us: f64,
}

/// From the shortest to the longest; both axes rise.
pub(super) fn of_ns(histogram: &Histogram<u64>) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for step in histogram.iter_quantiles(POINTS_PER_HALF) {
        let point = Point { share: step.quantile(), us: step.value_iterated_to() as f64 / 1e3 };
        // Where few were measured, several steps end at one of them.
        match points.last_mut() {
            Some(last) if last.share >= point.share => *last = point,
            _ => points.push(point),
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_through_the_percentiles_to_the_longest() {
        let mut histogram = crate::measure::histogram_ns();
        (1..=10_000_u64).for_each(|us| histogram.record(us * 1_000).expect("in range"));
        let points = of_ns(&histogram);
        assert!(points.len() > 20, "{}", points.len());
        assert!(points.is_sorted_by(|a, b| a.share < b.share && a.us <= b.us), "{points:?}");
        for Point { share, us } in &points {
            // Three digits are told apart.
            assert!((us / (share * 1e4) - 1.0).abs() < 2e-3, "{share}: {us}");
        }
        assert_eq!(points.last().map(|point| point.share), Some(1.0));
    }

    #[test]
    fn few_measurements_make_few_points() {
        let mut histogram = crate::measure::histogram_ns();
        [5_000, 7_000].into_iter().for_each(|ns| histogram.record(ns).expect("in range"));
        let points = of_ns(&histogram);
        let shares: Vec<_> = points.iter().map(|point| point.share).collect();
        assert_eq!(shares, [0.5, 1.0]);
    }
}
