//! What a run came to, in a few lines.

use std::{sync::Arc, time::Duration};

use hdrhistogram::Histogram;
use spiked_client::{Latencies, Tables, hex, v1::Drops};

use super::{feed::Fed, harvest::Totals};
use crate::{
    numbers::{duration, grouped, rate, seconds, share},
    terminal,
};

/// Everything that a summary is made of but what came back.
pub(crate) struct Summary<'a> {
    pub(crate) tables: &'a Tables,
    /// What the source is called, and which it was.
    pub(crate) source: (&'static str, String),
    /// What was sent: events, or frames.
    pub(crate) sent: &'static str,
    pub(crate) fed: &'a Fed,
    /// What the source has to say of itself.
    pub(crate) notes: Vec<(&'static str, String)>,
    pub(crate) wall: Duration,
    pub(crate) latencies: Option<Arc<Latencies>>,
}

impl Summary<'_> {
    /// Names and values, one a line; the names stay as they are, for scripts.
    pub(crate) fn text(&self, totals: &Totals) -> String {
        let position = &totals.position;
        let core = Duration::from_nanos(position.core_ns);
        let plan = hex(self.tables.plan_sha256.get(..8).unwrap_or_default());
        let network = format!(
            "{} {} (plan {plan}), ticks of {}",
            self.tables.network,
            self.tables.network_version,
            duration(Duration::from_nanos(self.tables.tick_ns)),
        );
        let sent = format!(
            "{} in {} batches{}",
            grouped(self.fed.events),
            grouped(self.fed.batches),
            if self.fed.complete {
                String::new()
            } else {
                format!(", not the whole {}", self.source.0)
            },
        );
        let filtered = format!(
            "{} of {} ({})",
            grouped(position.events_filtered),
            grouped(position.events_accepted),
            share(position.events_filtered, position.events_accepted),
        );
        let mut rows = vec![
            ("network", network.into()),
            (self.source.0, self.source.1.as_str().into()),
            (self.sent, sent.into()),
        ];
        rows.extend(self.notes.iter().map(|(name, note)| (*name, note.as_str().into())));
        if let Some((first_us, latest_us)) = self.fed.times_us {
            let span = seconds(latest_us.saturating_sub(first_us));
            rows.push(("span", format!("{span} from {}", seconds(first_us)).into()));
        }
        rows.push(("filtered", filtered.into()));
        rows.extend(dropped(position.drops.as_ref()).map(|line| ("dropped", line.into())));
        rows.push(("deliveries", grouped(position.deliveries).into()));
        rows.push(("spikes", grouped(totals.spikes).into()));
        rows.push(("decisions", grouped(totals.decisions).into()));
        rows.push(("wall time", format!("{:.3} s", self.wall.as_secs_f64()).into()));
        rows.push(("core time", format!("{:.3} s", core.as_secs_f64()).into()));
        let rates = format!(
            "{}, {} of core time",
            rate(position.events_accepted, self.wall, "events"),
            rate(position.deliveries, core, "deliveries"),
        );
        rows.push(("rates", rates.into()));
        if let Some(latencies) = &self.latencies {
            rows.push(("latency", latency_line(&latencies.histogram_ns()).into()));
        }
        if let Some(late) = self.fed.lateness_max {
            let line = format!("a batch left up to {} after it was due", duration(late));
            rows.push(("lateness", line.into()));
        }
        let digest = hex(&totals.digest.finish());
        let partial = if totals.completed { "" } else { " (of what came before the end)" };
        rows.push(("digest", format!("sha256:{digest}{partial}").into()));
        terminal::table(rows)
    }
}

/// Percentiles of the time from sending a batch to its being simulated.
pub(crate) fn latency_line(histogram_ns: &Histogram<u64>) -> String {
    if histogram_ns.is_empty() {
        return "no batch was measured".into();
    }
    let at = |quantile| duration(Duration::from_nanos(histogram_ns.value_at_quantile(quantile)));
    format!(
        "p50 {}, p99 {}, p99.9 {} over {} batches, from sending to simulated",
        at(0.5),
        at(0.99),
        at(0.999),
        grouped(histogram_ns.len()),
    )
}

/// Events dropped, by cause; nothing where there are none.
pub(super) fn dropped(drops: Option<&Drops>) -> Option<String> {
    let drops = drops?;
    let causes = [
        (drops.late, "late"),
        (drops.outside, "outside the port"),
        (drops.multiplicity, "too many in a tick"),
        (drops.overload, "by overload"),
        (drops.words, "words without meaning"),
        (drops.values, "values without meaning"),
        (drops.between_samples, "between samples"),
    ];
    let told: Vec<String> = causes
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, cause)| format!("{} {cause}", grouped(count)))
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_told_by_their_percentiles() {
        let mut histogram_ns = Histogram::<u64>::new(3).unwrap();
        assert_eq!(latency_line(&histogram_ns), "no batch was measured");
        for _ in 0..997 {
            histogram_ns.record(1_000_000).unwrap();
        }
        for _ in 0..3 {
            histogram_ns.record(50_000_000).unwrap();
        }
        let line = latency_line(&histogram_ns);
        assert!(line.starts_with("p50 1.00 ms, p99 1.00 ms, p99.9 50"), "{line}");
    }

    #[test]
    fn drops_are_told_by_cause_and_only_where_there_are_any() {
        assert_eq!(dropped(None), None);
        assert_eq!(dropped(Some(&Drops::default())), None);
        let drops = Drops { late: 3, words: 1_000, ..Drops::default() };
        let line = "3 late, 1 000 words without meaning";
        assert_eq!(dropped(Some(&drops)).as_deref(), Some(line));
    }
}
