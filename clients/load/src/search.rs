//! The knee: the highest rate that is still served well.
//!
//! A rate is served well when an assertion holds, nothing is dropped, the backlog does not grow and the
//! generator was not the bottleneck. From a rate on, each step doubles it until one is not served
//! well; between the last two the search halves.

use serde::{Deserialize, Serialize};

use crate::{Error, report::Report};

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
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The highest rate that was served well \[events/s\]; `None`: not even the first was.
    pub knee: Option<f64>,
    /// All rates that were tried, in that order.
    pub probes: Vec<Probe>,
}

/// Whether a load of a rate was served well, and why not.
#[must_use]
pub fn judge(report: &Report) -> (bool, String) {
    let broken = report.assertions.iter().find(|each| !each.holds);
    if let Some(why) = report.invalid.first() {
        return (false, why.clone());
    }
    if let Some(each) = broken {
        return (false, format!("not {}: {}", each.text, each.found));
    }
    if report.counts.events_dropped > 0 {
        return (false, format!("{} events dropped", report.counts.events_dropped));
    }
    if report.backlog.grows {
        return (false, format!("the backlog grows, to {} events", report.backlog.events));
    }
    let found = report.assertions.iter().map(|each| each.found.as_str()).collect::<Vec<_>>();
    (true, found.join(", "))
}

/// Searches from a rate on. `probe` plays a load at a rate and says whether it was served well.
///
/// # Errors
///
/// As a probe.
pub async fn search(
    from: f64,
    mut probe: impl AsyncFnMut(f64) -> Result<(bool, String), Error>,
) -> Result<Found, Error> {
    let mut found = Found::default();
    let mut too_much: Option<f64> = None;
    let mut rate = from;
    while found.probes.len() < PROBES_MAX {
        let (holds, why) = probe(rate).await?;
        found.probes.push(Probe { rate, holds, why });
        if holds {
            found.knee = Some(found.knee.map_or(rate, |known| known.max(rate)));
        } else {
            too_much = Some(too_much.map_or(rate, |known| known.min(rate)));
        }
        rate = match (found.knee, too_much) {
            (Some(knee), None) => 2.0 * knee,
            (Some(knee), Some(limit)) if limit / knee > CLOSE => (knee * limit).sqrt(),
            (None, Some(limit)) if limit > from / 64.0 => limit / 2.0,
            _ => break,
        };
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(from: f64, limit: f64) -> Found {
        let probe = async |rate: f64| Ok((rate <= limit, String::new()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(search(from, probe)).expect("nothing fails")
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
}
