//! The knee: the highest rate that is still served well.
//!
//! A rate is served well when an assertion holds, nothing is dropped, the backlog does not grow and the
//! generator was not the bottleneck. From a rate on, each step doubles it until one is not served
//! well; between the last two the search halves.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

use crate::report::{Machine, Report, Settings};

/// What the files are called inside.
const FORMAT: &str = "spiked-load-search 1";
/// The last two rates are this close when the search ends.
const CLOSE: f64 = 1.05;
/// No search is longer.
const PROBES_MAX: usize = 24;

/// A rate that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Events a second in all.
    pub rate: f64,
    /// Whether it was served well.
    pub holds: bool,
    /// Why not, or what was found.
    pub why: String,
    /// Events a second that were simulated.
    pub rate_simulated: f64,
    /// From the intended moment to simulated \[µs\].
    pub p50_us: f64,
    /// See `p50_us`.
    pub p99_us: f64,
}

/// A rate at which no load could be played to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failed {
    /// Events a second in all.
    pub rate: f64,
    /// What went wrong.
    pub why: String,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Names the form of this file.
    pub format: String,
    /// Where it ran.
    pub machine: Machine,
    /// What was asked for, but for the rate; `None` where not even the first rate was tried.
    pub settings: Option<Settings>,
    /// What was to hold.
    pub assertions: Vec<String>,
    /// The highest rate that was served well \[events/s\]; `None`: not even the first was.
    pub knee: Option<f64>,
    /// It was ended early: a higher rate may be served well.
    pub stopped: bool,
    /// Where it broke off, if it did: the same holds then.
    #[serde(default)]
    pub failed: Option<Failed>,
    /// All rates that were tried, in that order.
    pub probes: Vec<Probe>,
}

impl Found {
    /// Of nothing tried yet.
    #[must_use]
    pub fn nothing() -> Self {
        Self { format: FORMAT.into(), machine: Machine::this(), ..Self::default() }
    }

    /// What was found, as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("numbers and text");
        text.push('\n');
        text
    }
}

impl Probe {
    /// Looks whether a load of a rate was served well, and why not.
    #[must_use]
    pub fn of(rate: f64, report: &Report) -> Self {
        let (holds, why) = judge(report);
        let simulated = report.latencies_us.get("simulated").copied().unwrap_or_default();
        let (p50_us, p99_us) = (simulated.p50, simulated.p99);
        Self { rate, holds, why, rate_simulated: report.rate_simulated, p50_us, p99_us }
    }
}

fn judge(report: &Report) -> (bool, String) {
    if let Some(why) = report.invalid.first() {
        return (false, why.clone());
    }
    if let Some(each) = report.assertions.iter().find(|each| !each.holds) {
        return (false, format!("not {}: {}", each.text, each.found));
    }
    if report.counts.events_dropped > 0 {
        return (false, format!("{} events dropped", report.counts.events_dropped));
    }
    if !report.conserved {
        return (false, "events were neither taken nor dropped".into());
    }
    if report.backlog.grows {
        return (false, format!("the backlog grows, to {} events", report.backlog.events));
    }
    let found = report.assertions.iter().map(|each| each.found.as_str()).collect::<Vec<_>>();
    (true, found.join(", "))
}

/// Searches from a rate on. `probe` plays a load at a rate; `None` ends the search early, and so does
/// an error, which comes beside what was found until then.
pub async fn search<E: Display>(
    from: f64,
    mut probe: impl AsyncFnMut(f64) -> Result<Option<Probe>, E>,
) -> (Found, Option<E>) {
    let mut found = Found::nothing();
    let mut too_much: Option<f64> = None;
    let mut rate = from;
    while found.probes.len() < PROBES_MAX {
        let probe = match probe(rate).await {
            Ok(Some(probe)) => probe,
            Ok(None) => {
                found.stopped = true;
                break;
            }
            Err(error) => {
                found.failed = Some(Failed { rate, why: error.to_string() });
                return (found, Some(error));
            }
        };
        if probe.holds {
            found.knee = Some(found.knee.map_or(rate, |known| known.max(rate)));
        } else {
            too_much = Some(too_much.map_or(rate, |known| known.min(rate)));
        }
        found.probes.push(probe);
        rate = match (found.knee, too_much) {
            (Some(knee), None) => 2.0 * knee,
            (Some(knee), Some(limit)) if limit / knee > CLOSE => (knee * limit).sqrt(),
            (None, Some(limit)) if limit > from / 64.0 => limit / 2.0,
            _ => break,
        };
    }
    (found, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, assertion::Checked, measure::Counts, report::Backlog};

    fn tried(rate: f64, holds: bool) -> Probe {
        let why = String::new();
        Probe { rate, holds, why, rate_simulated: rate, p50_us: 1.0, p99_us: 2.0 }
    }

    fn found(
        from: f64,
        probe: impl AsyncFnMut(f64) -> Result<Option<Probe>, Error>,
    ) -> (Found, Option<Error>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(search(from, probe))
    }

    fn searched(from: f64, limit: f64) -> Found {
        let probe = async |rate: f64| Ok(Some(tried(rate, rate <= limit)));
        let (found, failed) = found(from, probe);
        assert!(failed.is_none(), "{failed:?}");
        found
    }

    #[test]
    fn finds_the_knee_from_below_and_from_above() {
        for (from, limit) in [(1e5, 3.3e6), (1e7, 3.3e6), (3.3e6, 3.3e6)] {
            let found = searched(from, limit);
            let knee = found.knee.expect("there is one");
            assert!(knee <= limit && knee * CLOSE >= limit, "{from}: {knee} in {found:?}");
            assert!(found.probes.len() < 15);
        }
    }

    #[test]
    fn gives_up_where_nothing_is_served_well() {
        let found = searched(1e6, 0.0);
        assert_eq!(found.knee, None);
        assert!(found.probes.len() < 10);
    }

    #[test]
    fn ends_where_nothing_is_ever_too_much() {
        assert_eq!(searched(1.0, f64::INFINITY).probes.len(), PROBES_MAX);
    }

    #[test]
    fn one_that_is_ended_early_has_what_was_found_until_then() {
        let probe = async |rate: f64| Ok((rate < 5e3).then(|| tried(rate, true)));
        let (found, _) = found(1e3, probe);
        assert_eq!((found.knee, found.stopped, found.probes.len()), (Some(4e3), true, 3));
        let again: Found = serde_json::from_str(&found.to_json()).expect("its own form");
        assert_eq!(again, found);
    }

    #[test]
    fn a_probe_that_fails_ends_the_search_and_loses_none_before_it() {
        let failing = async |rate: f64| {
            let fails = rate > 3e3;
            let error = Error::Empty { name: "dark.es".into() };
            if fails { Err(error) } else { Ok(Some(tried(rate, true))) }
        };
        let (found, error) = found(1e3, failing);
        assert!(matches!(error, Some(Error::Empty { .. })), "{error:?}");
        assert_eq!((found.knee, found.stopped, found.probes.len()), (Some(2e3), false, 2));
        let failed = Failed { rate: 4e3, why: "dark.es holds no events".into() };
        assert_eq!(found.failed, Some(failed));
    }

    #[test]
    fn served_well_is_valid_as_asserted_without_drops_and_without_a_growing_backlog() {
        let well = Report { conserved: true, ..Report::default() };
        let held = Checked { text: "p99 < 5ms".into(), holds: true, found: "2 ms".into() };
        let well = Report { assertions: vec![held.clone()], ..well };
        assert_eq!(judge(&well), (true, "2 ms".into()));
        let broken = Checked { holds: false, ..held };
        let dropped = Counts { events_dropped: 3, ..well.counts };
        let grows = Backlog { events: 9, grows: true };
        for (ill, why) in [
            (Report { invalid: vec!["late".into()], ..well.clone() }, "late"),
            (Report { assertions: vec![broken], ..well.clone() }, "not p99 < 5ms: 2 ms"),
            (Report { counts: dropped, ..well.clone() }, "3 events dropped"),
            (Report { conserved: false, ..well.clone() }, "events were neither taken nor dropped"),
            (Report { backlog: grows, ..well.clone() }, "the backlog grows, to 9 events"),
        ] {
            assert_eq!(judge(&ill), (false, why.to_owned()));
        }
    }
}
