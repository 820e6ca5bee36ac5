//! What a load took of the machine, and what it left undone.

use serde::{Deserialize, Serialize};

use crate::measure::{Interval, of_process};

/// What a load took of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Processor seconds for a million events, of the generator.
    pub generator_cpu_s_per_million: f64,
    /// Of the daemon; `None` where its process isn't known.
    pub daemon_cpu_s_per_million: Option<f64>,
    /// Resident memory at the end \[bytes\].
    pub generator_resident_bytes: u64,
    /// The most of the daemon in any interval \[bytes\]; `None` where its process isn't known.
    pub daemon_resident_bytes: Option<u64>,
    /// By how much the daemon's memory grows, by a line through the second half \[bytes/s\].
    pub daemon_growth_bytes_per_s: Option<f64>,
}

/// Events that were due and neither simulated nor dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// At the end.
    pub events: u64,
    /// It was more in the last third than in the first, by more than it varies.
    pub grows: bool,
}

impl Cost {
    pub(super) fn of(intervals: &[Interval], is_known: bool) -> Self {
        let sum = |of: fn(&Interval) -> f64| intervals.iter().map(of).sum::<f64>();
        let events: u64 = intervals.iter().map(|interval| interval.events_simulated).sum();
        let per_million = |seconds: f64| seconds * 1e6 / events.max(1) as f64;
        let resident = intervals.iter().map(|interval| interval.daemon_resident_bytes).max();
        Self {
            generator_cpu_s_per_million: per_million(sum(|interval| interval.generator_cpu_s)),
            daemon_cpu_s_per_million: is_known
                .then(|| per_million(sum(|interval| interval.daemon_cpu_s))),
            generator_resident_bytes: of_process(std::process::id())
                .unwrap_or_default()
                .resident_bytes,
            daemon_resident_bytes: resident.filter(|_| is_known),
            daemon_growth_bytes_per_s: is_known.then(|| growth(intervals)).flatten(),
        }
    }
}

/// The slope of the daemon's memory over the second half.
fn growth(intervals: &[Interval]) -> Option<f64> {
    let half = &intervals[intervals.len() / 2..];
    let points =
        half.iter().map(|interval| (interval.end_s, interval.daemon_resident_bytes as f64));
    slope(&points.collect::<Vec<_>>())
}

/// Slope of the line that fits best.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let both: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    (points.len() > 2 && spread > 0.0).then(|| both / spread)
}

impl Backlog {
    pub(super) fn of(scheduled: &[Interval]) -> Self {
        let third = scheduled.len() / 3;
        let mean = |part: &[Interval]| {
            let sum: f64 = part.iter().map(|interval| interval.backlog_events as f64).sum();
            sum / part.len().max(1) as f64
        };
        let events = scheduled.last().map_or(0, |interval| interval.backlog_events);
        if third == 0 {
            return Self { events, grows: false };
        }
        let (first, last) =
            (mean(&scheduled[..third]), mean(&scheduled[scheduled.len() - third..]));
        // What is under way is always some; a backlog is what does not come down again.
        let per_s: f64 =
            scheduled.iter().map(|interval| interval.events_due as f64 / interval.length_s).sum();
        let under_way = 0.02 * per_s / scheduled.len() as f64;
        Self { events, grows: last > 2.0 * first + under_way }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intervals(backlogs: &[u64]) -> Vec<Interval> {
        let of = |(number, &backlog_events): (usize, &u64)| Interval {
            end_s: number as f64,
            length_s: 1.0,
            events_due: 1_000,
            backlog_events,
            daemon_resident_bytes: 1_000_000 + 500 * number as u64,
            ..Interval::default()
        };
        backlogs.iter().enumerate().map(of).collect()
    }

    #[test]
    fn a_backlog_that_comes_down_again_does_not_grow() {
        assert!(!Backlog::of(&intervals(&[5, 9, 3, 8, 4, 7])).grows);
        assert!(!Backlog::of(&intervals(&[5, 400, 3, 8, 4, 7])).grows);
        assert!(Backlog::of(&intervals(&[5, 100, 200, 300, 400, 500])).grows);
        assert!(!Backlog::of(&intervals(&[])).grows);
    }

    #[test]
    fn growth_is_a_slope() {
        let growth = growth(&intervals(&[0; 10])).expect("enough points");
        assert!((growth - 500.0).abs() < 1e-6, "{growth}");
        assert_eq!(slope(&[(0.0, 1.0), (1.0, 2.0)]), None);
    }
}
