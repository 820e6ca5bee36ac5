//! What a load came to: one value, written in several ways.
//!
//! The JSON of a [`Report`] is what `compare` reads; the others are for people and for tools that
//! know HDR histograms.

mod cost;
mod csv;
mod curve;
mod hdr;
mod machine;
mod settings;

use std::{collections::BTreeMap, path::Path, time::Duration};

use hdrhistogram::{Histogram, serialization::Deserializer};
use serde::{Deserialize, Serialize};
use spiked_client::v1::GetLatenciesResponse;

pub use cost::{Backlog, Cost};
pub use curve::Point;
pub use machine::Machine;
pub use settings::Settings;

use crate::{
    Error,
    assertion::Checked,
    fault::FaultReport,
    load::Load,
    measure::{Counts, Interval, Latencies, Measures, histogram_ns},
    session::Played,
    verify::Compared,
};

/// What the files are called inside.
const FORMAT: &str = "spiked-load 1";
/// The generator is taken for the bottleneck where it used so much of its thread and fell behind.
const BUSY_SHARE: f64 = 0.9;
const KEPT_UP_SHARE: f64 = 0.99;

/// A load and everything that was seen of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Names the form of this file.
    pub format: String,
    /// Version of the program.
    pub version: String,
    /// When it began, in seconds since 1970.
    pub started_s: u64,
    /// Where it ran.
    pub machine: Machine,
    /// What was asked for.
    pub settings: Settings,
    /// What was counted in all.
    pub counts: Counts,
    /// Events a second: due, and simulated, while the load ran.
    pub rate_due: f64,
    /// See `rate_due`.
    pub rate_simulated: f64,
    /// Latencies by their names \[µs\].
    pub latencies_us: BTreeMap<String, Percentiles>,
    /// How some of them are distributed, by the same names.
    #[serde(default)]
    pub curves: BTreeMap<String, Vec<Point>>,
    /// Events that the daemon dropped, by cause.
    pub drops: BTreeMap<String, u64>,
    /// Each event that was sent was taken or counted as dropped.
    pub conserved: bool,
    /// Sessions that came to their own end.
    pub completed: u64,
    /// What sessions were refused.
    pub refusals: Vec<String>,
    /// How output differs from that of references.
    pub compared: Compared,
    /// What came of faults.
    pub faults: Vec<FaultReport>,
    /// What it took of the machine.
    pub cost: Cost,
    /// Backlog at the end of the schedule, and whether it grew \[events\].
    pub backlog: Backlog,
    /// Why the figures say nothing about the daemon; empty: they do.
    pub invalid: Vec<String>,
    /// What was asserted.
    pub assertions: Vec<Checked>,
    /// Everything by time.
    pub intervals: Vec<Interval>,
}

/// Some values of a histogram \[µs\].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Measurements.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// Half of them are at most this.
    pub p50: f64,
    /// 90 %.
    pub p90: f64,
    /// 99 %.
    pub p99: f64,
    /// 99.9 %.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

impl Percentiles {
    /// Of a histogram of nanoseconds.
    #[must_use]
    pub fn of_ns(histogram: &Histogram<u64>) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        let us = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
        Self {
            count: histogram.len(),
            mean: histogram.mean() / 1e3,
            p50: us(0.5),
            p90: us(0.9),
            p99: us(0.99),
            p999: us(0.999),
            max: histogram.max() as f64 / 1e3,
        }
    }
}

/// A report, with the histograms that it was made of.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Everything in numbers.
    pub report: Report,
    /// Everything that was measured by the generator.
    pub latencies: Latencies,
}

impl Report {
    pub(crate) fn of(
        load: &Load,
        network: &str,
        started_s: u64,
        measures: Measures,
        played: &[Played],
        compared: Compared,
        faults: Vec<FaultReport>,
    ) -> Outcome {
        let Measures { counts, total: latencies, intervals, .. } = measures;
        let scheduled = scheduled(&intervals, load.length.as_secs_f64());
        let seconds: f64 = scheduled.iter().map(|interval| interval.length_s).sum();
        let of_all = |count: fn(&Interval) -> u64| scheduled.iter().map(count).sum::<u64>();
        let rate = |events: u64| if seconds > 0.0 { events as f64 / seconds } else { 0.0 };
        let cost = Cost::of(scheduled, load.daemon_pid.is_some());
        let mut report = Self {
            format: FORMAT.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            started_s,
            machine: Machine::this(),
            settings: Settings::of(load, network),
            counts,
            rate_due: rate(of_all(|interval| interval.events_due)),
            rate_simulated: rate(of_all(|interval| interval.events_simulated)),
            latencies_us: latencies_us(&latencies, played),
            curves: curves(&latencies),
            drops: drops(played),
            conserved: played.iter().all(Played::is_conserved),
            completed: played.iter().filter(|played| played.completed).count() as u64,
            refusals: played.iter().flat_map(|played| played.refusals.clone()).take(20).collect(),
            compared,
            faults,
            cost,
            backlog: Backlog::of(scheduled),
            invalid: Vec::new(),
            assertions: Vec::new(),
            intervals,
        };
        report.invalid = report.why_invalid(load);
        Outcome { report, latencies }
    }

    /// Whether the generator, rather than the daemon, decided the figures.
    fn why_invalid(&self, load: &Load) -> Vec<String> {
        let mut why = Vec::new();
        let own = self.latencies_us.get("own_lateness").copied().unwrap_or_default();
        let most_us = load.own_lateness_max.as_secs_f64() * 1e6;
        if own.p99 > most_us {
            why.push(format!(
                "the generator itself was late by {:.0} us at p99 (at most {most_us:.0} us)",
                own.p99
            ));
        }
        let scheduled = self.scheduled();
        let busy: f64 = scheduled.iter().map(|interval| interval.generator_cpu_s).sum();
        let seconds: f64 = scheduled.iter().map(|interval| interval.length_s).sum();
        let kept_up =
            self.counts.events_sent as f64 >= KEPT_UP_SHARE * self.counts.events_due as f64;
        if seconds > 0.0 && busy / seconds > BUSY_SHARE && !kept_up {
            why.push(format!(
                "the generator used {:.0} % of its core and fell behind",
                100.0 * busy / seconds
            ));
        }
        if own.count == 0 {
            why.push("no batch was measured".into());
        }
        why
    }

    /// The intervals of the schedule. Behind it comes what was still under way, and what faults compare.
    pub(crate) fn scheduled(&self) -> &[Interval] {
        scheduled(&self.intervals, self.settings.length_s)
    }

    /// Reads one back.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or is no report.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { action: "read", path: path.to_owned(), source };
        let text = std::fs::read(path).map_err(failed)?;
        let no_report = |problem: String| Error::NoReport { path: path.to_owned(), problem };
        let report: Self =
            serde_json::from_slice(&text).map_err(|error| no_report(error.to_string()))?;
        if report.format != FORMAT {
            return Err(no_report(format!("its form is {:?}, not {FORMAT:?}", report.format)));
        }
        Ok(report)
    }

    /// The report as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("numbers and text");
        text.push('\n');
        text
    }

    /// A line an interval, as comma-separated text.
    #[must_use]
    pub fn to_csv(&self) -> String {
        csv::written(&self.intervals)
    }
}

impl Outcome {
    /// The distribution of batches' latencies as HDR tools plot it.
    #[must_use]
    pub fn to_hgrm(&self) -> String {
        hdr::distribution(&self.latencies.simulated)
    }

    /// The intervals' histograms as an HDR log.
    #[must_use]
    pub fn to_hlog(&self) -> Vec<u8> {
        hdr::log(self.report.started_s, &self.report.intervals)
    }
}

fn scheduled(intervals: &[Interval], length_s: f64) -> &[Interval] {
    &intervals[..intervals.partition_point(|interval| interval.end_s <= length_s)]
}

/// All kinds of latencies, those that the daemon measured among them.
fn latencies_us(latencies: &Latencies, played: &[Played]) -> BTreeMap<String, Percentiles> {
    let kinds = [
        ("simulated", &latencies.simulated),
        ("simulated_from_sending", &latencies.simulated_from_sending),
        ("accepted", &latencies.accepted),
        ("spike", &latencies.spike),
        ("own_lateness", &latencies.own_lateness),
    ];
    let ours = kinds.map(|(name, histogram)| (name.to_owned(), Percentiles::of_ns(histogram)));
    type Part = fn(&GetLatenciesResponse) -> &[u8];
    let daemons: [(&str, Part); 3] = [
        ("daemon_queue", |told| &told.queue),
        ("daemon_core", |told| &told.core),
        ("daemon_wire", |told| &told.wire),
    ];
    let theirs = daemons.map(|(name, of)| {
        let mut all = histogram_ns();
        for told in played.iter().filter_map(|played| played.of_daemon.as_ref()) {
            let read: Result<Histogram<u64>, _> = Deserializer::new().deserialize(&mut of(told));
            if let Ok(histogram) = read {
                // Beyond ten minutes nothing is told apart.
                let _ = all.add(histogram);
            }
        }
        (name.to_owned(), Percentiles::of_ns(&all))
    });
    ours.into_iter().chain(theirs).collect()
}

/// What the percentile plot is drawn from.
fn curves(latencies: &Latencies) -> BTreeMap<String, Vec<Point>> {
    let kinds = [
        ("simulated", &latencies.simulated),
        ("simulated_from_sending", &latencies.simulated_from_sending),
        ("spike", &latencies.spike),
        ("own_lateness", &latencies.own_lateness),
    ];
    let measured = kinds.into_iter().filter(|(_, histogram)| !histogram.is_empty());
    measured.map(|(name, histogram)| (name.to_owned(), curve::of_ns(histogram))).collect()
}

fn drops(played: &[Played]) -> BTreeMap<String, u64> {
    let mut causes = BTreeMap::new();
    for drops in played.iter().filter_map(|played| played.position.drops.as_ref()) {
        for (cause, count) in [
            ("late", drops.late),
            ("outside", drops.outside),
            ("multiplicity", drops.multiplicity),
            ("overload", drops.overload),
        ] {
            *causes.entry(cause.to_owned()).or_default() += count;
        }
    }
    causes
}

/// A span in microseconds, for people.
pub(crate) fn shown_us(us: f64) -> String {
    let span = Duration::from_secs_f64((us / 1e6).max(0.0));
    match us {
        below if below < 1e3 => format!("{us:.0} µs"),
        below if below < 1e6 => format!("{:.2} ms", us / 1e3),
        _ => format!("{:.2} s", span.as_secs_f64()),
    }
}
