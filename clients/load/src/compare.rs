//! Two reports side by side: what got worse, and how sure that is.
//!
//! Each interval of a load is one observation of its percentiles. Neighbouring intervals of a busy
//! machine resemble each other, so whole runs of intervals are drawn anew (the moving block bootstrap,
//! Künsch 1989) and the ratio of the medians gets an interval of confidence. A difference counts where
//! that interval lies beyond what is tolerated: two equal loads differ by a little in any case.

use std::fmt;

use serde::{Deserialize, Serialize};

use spiked_sensors::random::{Purpose, Stream};

use crate::{measure::Interval, report::Report};

/// Draws of the bootstrap.
const DRAWS: usize = 4_000;
/// 99 %, to both sides.
const TAIL: f64 = 0.005;
/// Fewer intervals say nothing.
const INTERVALS_MIN: usize = 8;

/// A figure in both reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What was measured.
    pub figure: String,
    /// Its median over the intervals of the first report, and of the second.
    pub medians: (f64, f64),
    /// The second divided by the first: from, to, with 99 % confidence.
    pub ratio: (f64, f64),
    /// Whether the second is better, worse or neither.
    pub verdict: Verdict,
}

/// What a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Within what is tolerated, or not certain.
    Same,
    /// Certainly better.
    Better,
    /// Certainly worse.
    Worse,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Same => "same",
            Self::Better => "better",
            Self::Worse => "worse",
        })
    }
}

/// A figure, how to take it from an interval, and whether more of it is better.
type Figure = (&'static str, fn(&Interval) -> Option<f64>, bool);

const FIGURES: [Figure; 4] = [
    ("p50 [us]", |each| (each.batches > 0).then_some(each.p50_us), false),
    ("p99 [us]", |each| (each.batches > 0).then_some(each.p99_us), false),
    (
        "simulated [events/s]",
        |each| (each.length_s > 0.0).then(|| each.events_simulated as f64 / each.length_s),
        true,
    ),
    (
        "daemon's processor time [us/event]",
        |each| {
            let known = each.daemon_cpu_s > 0.0 && each.events_simulated > 0;
            known.then(|| each.daemon_cpu_s * 1e6 / each.events_simulated as f64)
        },
        false,
    ),
];

/// Why two reports cannot be compared, if they cannot.
#[must_use]
pub fn incomparable(first: &Report, second: &Report) -> Option<String> {
    let (a, b) = (&first.settings, &second.settings);
    let differing: Vec<&str> = [
        ("networks", a.network_name() != b.network_name()),
        ("sources", a.sources != b.sources),
        ("pace", (a.speed, a.rate) != (b.speed, b.rate)),
        ("sessions", a.sessions != b.sessions),
        ("connections", a.connections != b.connections),
        ("gathering", (a.gather_us, a.batch_events_max) != (b.gather_us, b.batch_events_max)),
        ("overload", a.overload != b.overload),
        ("durability", a.durability != b.durability),
        ("faults", a.faults != b.faults),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect();
    if !differing.is_empty() {
        return Some(format!("they are different loads: {} differ", differing.join(", ")));
    }
    let few = [first, second].into_iter().any(|report| report.scheduled().len() < INTERVALS_MIN);
    few.then(|| format!("fewer than {INTERVALS_MIN} intervals say nothing; load for longer"))
}

/// Compares two reports; a ratio of `1 ± tolerance` is tolerated.
#[must_use]
pub fn compare(first: &Report, second: &Report, tolerance: f64) -> Vec<Change> {
    FIGURES
        .iter()
        .filter_map(|&(figure, of, more_is_better)| {
            let values = |report: &Report| -> Vec<f64> {
                report.scheduled().iter().filter_map(of).collect()
            };
            let (first, second) = (values(first), values(second));
            if first.len() < INTERVALS_MIN || second.len() < INTERVALS_MIN {
                return None;
            }
            let ratio = ratio(&first, &second);
            let verdict = verdict(ratio, tolerance, more_is_better);
            let medians = (median(&mut first.clone()), median(&mut second.clone()));
            Some(Change { figure: figure.to_owned(), medians, ratio, verdict })
        })
        .collect()
}

fn verdict((from, to): (f64, f64), tolerance: f64, more_is_better: bool) -> Verdict {
    let (more, less) = (from > 1.0 + tolerance, to < 1.0 / (1.0 + tolerance));
    match (more, less) {
        (true, _) if more_is_better => Verdict::Better,
        (true, _) => Verdict::Worse,
        (_, true) if more_is_better => Verdict::Worse,
        (_, true) => Verdict::Better,
        _ => Verdict::Same,
    }
}

/// The second's median divided by the first's, with confidence.
fn ratio(first: &[f64], second: &[f64]) -> (f64, f64) {
    // The same draws for the same reports.
    let mut draws = Draws::new(first.len() as u64);
    let mut ratios: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let first = median(&mut drawn(first, &mut draws));
            let second = median(&mut drawn(second, &mut draws));
            if first > 0.0 { second / first } else { 1.0 }
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in it")]
    let at = |share: f64| ratios[((DRAWS - 1) as f64 * share).round() as usize];
    (at(TAIL), at(1.0 - TAIL))
}

/// Random numbers, one after the other.
struct Draws {
    numbers: Stream,
    drawn: u64,
}

impl Draws {
    fn new(seed: u64) -> Self {
        Self { numbers: Stream::new(seed, Purpose::Draws), drawn: 0 }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.drawn += 1;
        #[expect(clippy::cast_possible_truncation, reason = "below a usize")]
        let number = self.numbers.below(self.drawn, bound as u64) as usize;
        number
    }
}

/// As many values, in blocks that stood together.
fn drawn(values: &[f64], draws: &mut Draws) -> Vec<f64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
    let block = (values.len() as f64).cbrt().ceil() as usize;
    let mut all = Vec::with_capacity(values.len() + block);
    while all.len() < values.len() {
        let start = draws.below(values.len() - block + 1);
        all.extend_from_slice(&values[start..start + block]);
    }
    all.truncate(values.len());
    all
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noisy(seed: u64, around: f64) -> Vec<f64> {
        let numbers = Stream::new(seed, Purpose::Draws);
        let mut level = 0.0;
        (0..30)
            .map(|number| {
                // Neighbours resemble each other, and now and then one is far off.
                let random = numbers.unit(number);
                level = 0.7 * level + 0.1 * (random - 0.5);
                around * (1.0 + level) * if random > 0.95 { 3.0 } else { 1.0 }
            })
            .collect()
    }

    #[test]
    fn does_not_cry_wolf_on_equal_loads_and_sees_a_slower_one() {
        let verdicts = |factor: f64| {
            let cries = (0..100).filter(|seed| {
                let ratio = ratio(&noisy(*seed, 50.0), &noisy(1_000 + seed, factor * 50.0));
                verdict(ratio, 0.15, false) == Verdict::Worse
            });
            cries.count()
        };
        assert_eq!(verdicts(1.0), 0);
        assert!(verdicts(1.5) > 95);
    }

    #[test]
    fn more_events_are_better_and_more_time_is_worse() {
        assert_eq!(verdict((1.2, 1.4), 0.1, true), Verdict::Better);
        assert_eq!(verdict((1.2, 1.4), 0.1, false), Verdict::Worse);
        assert_eq!(verdict((0.5, 0.8), 0.1, false), Verdict::Better);
        assert_eq!(verdict((0.9, 1.4), 0.1, false), Verdict::Same);
    }

    #[test]
    fn a_median_stands_in_the_middle() {
        assert_eq!((median(&mut [3.0, 1.0, 2.0]), median(&mut [4.0, 1.0, 2.0, 3.0])), (2.0, 2.5));
    }
}
