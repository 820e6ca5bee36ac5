//! What a report must say: `p99 < 5ms`, `drops = 0`, `rate >= 1M`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Error, figures,
    report::{Percentiles, Report, shown_us},
};

/// A condition on a report.
#[derive(Clone, Debug)]
pub struct Assertion {
    text: String,
    metric: Metric,
    relation: Relation,
    value: f64,
}

/// An assertion that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// As it was written.
    pub text: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was found.
    pub found: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Below,
    AtMost,
    Equal,
    AtLeast,
    Above,
}

/// Longest first: `<=` begins with `<`.
const RELATIONS: [(&str, Relation); 6] = [
    ("<=", Relation::AtMost),
    (">=", Relation::AtLeast),
    ("==", Relation::Equal),
    ("<", Relation::Below),
    (">", Relation::Above),
    ("=", Relation::Equal),
];

/// What can be asserted.
#[derive(Clone, Copy, Debug)]
enum Metric {
    /// A kind of latency at a percentile \[µs\].
    Latency(&'static str, Percentile),
    Count(&'static str, fn(&Report) -> f64),
    /// Bytes; a report may not know them.
    Bytes(&'static str, fn(&Report) -> Option<f64>),
}

#[derive(Clone, Copy, Debug)]
struct Percentile(&'static str, fn(&Percentiles) -> f64);

/// Kinds of latencies by what is written before the percentile; nothing is `simulated`.
const KINDS: [(&str, &str); 9] = [
    ("", "simulated"),
    ("simulated.", "simulated"),
    ("sent.", "simulated_from_sending"),
    ("accepted.", "accepted"),
    ("spike.", "spike"),
    ("own.", "own_lateness"),
    ("queue.", "daemon_queue"),
    ("core.", "daemon_core"),
    ("wire.", "daemon_wire"),
];

const PERCENTILES: [Percentile; 6] = [
    Percentile("p50", |each| each.p50),
    Percentile("p90", |each| each.p90),
    Percentile("p99.9", |each| each.p999),
    Percentile("p99", |each| each.p99),
    Percentile("mean", |each| each.mean),
    Percentile("max", |each| each.max),
];

const COUNTS: [Metric; 8] = [
    Metric::Count("drops", |report| report.counts.events_dropped as f64),
    Metric::Count("lost", |report| report.compared.difference.lost as f64),
    Metric::Count("surplus", |report| report.compared.difference.surplus as f64),
    Metric::Count("reordered", |report| report.compared.difference.reordered as f64),
    Metric::Count("refusals", |report| report.refusals.len() as f64),
    Metric::Count("spikes", |report| report.counts.spikes as f64),
    Metric::Count("rate", |report| report.rate_simulated),
    Metric::Count("backlog", |report| report.backlog.events as f64),
];

const BYTES: [Metric; 2] = [
    Metric::Bytes("memory", |report| report.cost.daemon_resident_bytes.map(|bytes| bytes as f64)),
    Metric::Bytes("growth", |report| report.cost.daemon_growth_bytes_per_s),
];

impl Assertion {
    /// Looks whether it holds.
    #[must_use]
    pub fn check(&self, report: &Report) -> Checked {
        let (found, told) = self.metric.of(report);
        // Where nothing was measured, nothing is known to hold.
        let holds = found.is_some_and(|found| match self.relation {
            Relation::Below => found < self.value,
            Relation::AtMost => found <= self.value,
            #[expect(clippy::float_cmp, reason = "counts are whole")]
            Relation::Equal => found == self.value,
            Relation::AtLeast => found >= self.value,
            Relation::Above => found > self.value,
        });
        Checked { text: self.text.clone(), holds, found: told }
    }
}

impl Metric {
    fn of(self, report: &Report) -> (Option<f64>, String) {
        match self {
            Self::Latency(kind, Percentile(_, of)) => {
                let measured = report.latencies_us.get(kind).filter(|each| each.count > 0);
                let found = measured.map(of);
                (found, found.map_or_else(|| "nothing was measured".into(), shown_us))
            }
            Self::Count(_, of) => (Some(of(report)), format!("{:.0}", of(report))),
            Self::Bytes(_, of) => {
                let found = of(report);
                let unknown = || "not known: the daemon's process is not at hand".into();
                (found, found.map_or_else(unknown, |bytes| format!("{:.1} MB", bytes / 1e6)))
            }
        }
    }

    fn named(name: &str) -> Option<Self> {
        let is_named = |metric: &&Self| match metric {
            Self::Count(known, _) | Self::Bytes(known, _) => *known == name,
            Self::Latency(..) => false,
        };
        if let Some(metric) = COUNTS.iter().chain(&BYTES).find(is_named) {
            return Some(*metric);
        }
        KINDS.iter().find_map(|(prefix, kind)| {
            let rest = name.strip_prefix(prefix)?;
            let percentile = PERCENTILES.iter().find(|Percentile(known, _)| *known == rest)?;
            Some(Self::Latency(kind, *percentile))
        })
    }

    /// The value that a text names: a time in microseconds, bytes, or a number.
    fn value(self, text: &str) -> Result<f64, &'static str> {
        match self {
            Self::Latency(..) => time_us(text).ok_or("expected a time, like 5ms, 200us or 1s"),
            Self::Bytes(..) => {
                let plain = text.trim_end_matches('B');
                figures::parse(plain).ok_or("expected bytes, like 200MB")
            }
            Self::Count(..) => figures::parse(text).ok_or("expected a number, like 0 or 1M"),
        }
    }
}

fn time_us(text: &str) -> Option<f64> {
    let text = text.trim();
    let units = [("µs", 1.0), ("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    let (number, us) =
        units.into_iter().find_map(|(unit, us)| Some((text.strip_suffix(unit)?, us)))?;
    figures::parse(number.trim()).map(|number| number * us)
}

impl FromStr for Assertion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refused =
            |problem: &str| Error::Assertion { text: text.to_owned(), problem: problem.to_owned() };
        let found = RELATIONS.iter().find_map(|&(sign, relation)| {
            let (name, value) = text.split_once(sign)?;
            Some((name.trim(), relation, value.trim()))
        });
        let (name, relation, value) =
            found.ok_or_else(|| refused("expected something like 'p99 < 5ms'"))?;
        let metric = Metric::named(name).ok_or_else(|| {
            refused(
                "expected p50, p90, p99, p99.9, mean or max, alone or behind sent., accepted., spike., own., \
                 queue., core. or wire.; or drops, lost, surplus, reordered, refusals, spikes, rate, backlog, \
                 memory or growth",
            )
        })?;
        let value = metric.value(value).map_err(refused)?;
        Ok(Self { text: text.to_owned(), metric, relation, value })
    }
}

impl fmt::Display for Assertion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Assertion {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn assertions_are_a_name_a_relation_and_a_value_with_a_unit() {
        assert_eq!(parsed("p99 < 5ms").value, 5e3);
        assert_eq!(parsed("spike.p99.9<=1.5s").value, 1.5e6);
        assert_eq!(parsed("rate >= 2.5M").value, 2.5e6);
        assert_eq!(parsed("memory < 200MB").value, 2e8);
        assert_eq!(parsed("drops == 0").relation, Relation::Equal);
        for (text, problem) in [
            ("p99", "expected something like"),
            ("p98 < 5ms", "expected p50"),
            ("p99 < 5", "expected a time"),
            ("drops = few", "expected a number"),
            ("memory < 5ms", "expected bytes"),
        ] {
            let error = text.parse::<Assertion>().expect_err(text).to_string();
            assert!(error.contains(problem) && error.contains(text), "{error}");
        }
    }
}
