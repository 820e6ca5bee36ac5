//! A scrape: everything is read when somebody asks, and nothing is kept for it.

use std::{collections::BTreeMap, fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{
        DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, MetricEncoder, NoLabelSet, text,
    },
    registry::Registry as Metrics,
};

use super::{
    families::{Family, Latency, Source, families},
    process::Process,
    traces::TALLY,
};
use crate::{
    guard::{Connections, Ended},
    networks::Repository,
    session::{
        buckets::Measured,
        figures::{Figure, Figures},
        journal,
        ledger::Labels,
        registry::{Now, Reading, Registry},
    },
};

/// Why events are dropped.
const CAUSES: [(&str, Figure); 5] = [
    ("late", Figure::Late),
    ("outside", Figure::Outside),
    ("multiplicity", Figure::Multiplicity),
    ("between_samples", Figure::BetweenSamples),
    ("overload", Figure::Overload),
];

/// Where figures come from.
pub(crate) struct Sources {
    pub(crate) registry: Arc<Registry>,
    pub(crate) repository: Arc<Repository>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) ended: Arc<Ended>,
    pub(crate) journals: Arc<journal::Tally>,
    pub(crate) process: Process,
}

impl fmt::Debug for Sources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sources").finish_non_exhaustive()
    }
}

/// All metrics in the text form of OpenMetrics.
pub(super) fn scrape(sources: &Arc<Sources>) -> Result<String, fmt::Error> {
    let mut metrics = Metrics::default();
    metrics.register_collector(Box::new(sources.clone()));
    let mut text = String::new();
    text::encode(&mut text, &metrics)?;
    Ok(text)
}

impl Collector for Sources {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let reading = self.registry.read();
        for family in families() {
            let described = encoder.encode_descriptor(
                family.name,
                family.about.trim_end_matches('.'),
                family.unit.as_ref(),
                family.metric_type(),
            )?;
            self.encode_family(&family, &reading, described)?;
        }
        Ok(())
    }
}

impl Sources {
    fn encode_family(
        &self,
        family: &Family,
        reading: &Reading,
        mut out: MetricEncoder<'_>,
    ) -> fmt::Result {
        match family.source {
            Source::Build => out.encode_info(&[
                ("version", env!("CARGO_PKG_VERSION").to_owned()),
                ("dynamics_version", sim_core::DYNAMICS_VERSION.to_string()),
            ]),
            Source::Networks => self.encode_networks(&mut out),
            Source::Sessions => encode_sessions(&reading.now, &mut out),
            Source::Watchers => encode_now(reading, &mut out, |now| now.watchers),
            Source::QueueEvents => encode_now(reading, &mut out, |now| now.queue_events),
            Source::Total(figure) => {
                encode_totals(&reading.totals, &mut out, |totals| totals.get(figure))
            }
            Source::Dropped => encode_dropped(&reading.totals, &mut out),
            Source::CoreSeconds => encode_totals(&reading.totals, &mut out, |totals| {
                seconds(totals.get(Figure::CoreNs))
            }),
            Source::Latency(latency) => encode_latency(&reading.measured, latency, &mut out),
            Source::Connections => out.encode_gauge(&self.connections.tally().open),
            Source::Refused => encode_causes(&self.connections.tally().refused, &mut out),
            Source::Flooded => encode_causes(&self.connections.tally().flooded, &mut out),
            Source::Ended => encode_causes(&self.ended.tally(), &mut out),
            Source::JournalBytes => counter(&mut out, &self.journals.bytes()),
            Source::JournalSyncs => counter(&mut out, &self.journals.syncs()),
            Source::JournalFailures => counter(&mut out, &self.journals.failures()),
            Source::Spans => encode_spans(&mut out),
            Source::ResidentBytes => known(Process::resident_bytes(), |v| out.encode_gauge(&v)),
            Source::CpuSeconds => counter(&mut out, &Process::cpu_seconds()),
            Source::StartTime => out.encode_gauge(&self.process.start_seconds()),
            Source::OpenFiles => known(Process::open_files(), |v| out.encode_gauge(&v)),
        }
    }

    fn encode_networks(&self, out: &mut MetricEncoder<'_>) -> fmt::Result {
        let standing = self.repository.standing();
        let loaded = standing.iter().filter(|(_, sound)| *sound).count();
        for (state, count) in [("loaded", loaded), ("broken", standing.len() - loaded)] {
            out.encode_family(&[("state", state)])?.encode_gauge(&count)?;
        }
        Ok(())
    }
}

fn encode_sessions(now: &BTreeMap<Labels, Now>, out: &mut MetricEncoder<'_>) -> fmt::Result {
    for (Labels { network, tenant }, now) in now {
        for (state, count) in [("running", now.running), ("resting", now.resting)] {
            let labels = [("network", &**network), ("tenant", &**tenant), ("state", state)];
            out.encode_family(&labels)?.encode_gauge(&count)?;
        }
    }
    Ok(())
}

fn encode_now(
    reading: &Reading,
    out: &mut MetricEncoder<'_>,
    value: impl Fn(&Now) -> u64,
) -> fmt::Result {
    for (labels, now) in &reading.now {
        out.encode_family(&pair(labels))?.encode_gauge(&value(now))?;
    }
    Ok(())
}

fn encode_totals<V: EncodeCounterValue>(
    totals: &BTreeMap<Labels, Figures>,
    out: &mut MetricEncoder<'_>,
    value: impl Fn(&Figures) -> V,
) -> fmt::Result {
    for (labels, totals) in totals {
        counter(&mut out.encode_family(&pair(labels))?, &value(totals))?;
    }
    Ok(())
}

fn encode_dropped(totals: &BTreeMap<Labels, Figures>, out: &mut MetricEncoder<'_>) -> fmt::Result {
    for (Labels { network, tenant }, totals) in totals {
        for (cause, figure) in CAUSES {
            let labels = [("network", &**network), ("tenant", &**tenant), ("cause", cause)];
            counter(&mut out.encode_family(&labels)?, &totals.get(figure))?;
        }
    }
    Ok(())
}

fn encode_latency(
    measured: &BTreeMap<String, Arc<Measured>>,
    latency: Latency,
    out: &mut MetricEncoder<'_>,
) -> fmt::Result {
    for (network, measured) in measured {
        let buckets = match latency {
            Latency::Queue => &measured.queue,
            Latency::Core => &measured.core,
            Latency::Wire => &measured.wire,
        };
        let classes = buckets.classes();
        let count = classes.iter().map(|(_, count)| count).sum();
        let labels = [("network", &**network)];
        let mut out = out.encode_family(&labels)?;
        out.encode_histogram::<NoLabelSet>(buckets.sum(), count, &classes, None)?;
    }
    Ok(())
}

fn encode_causes(causes: &[(&'static str, u64)], out: &mut MetricEncoder<'_>) -> fmt::Result {
    for (cause, count) in causes {
        counter(&mut out.encode_family(&[("cause", *cause)])?, count)?;
    }
    Ok(())
}

fn encode_spans(out: &mut MetricEncoder<'_>) -> fmt::Result {
    for (outcome, count) in TALLY.read() {
        counter(&mut out.encode_family(&[("outcome", outcome)])?, &count)?;
    }
    Ok(())
}

fn pair(labels: &Labels) -> [(&'static str, &str); 2] {
    [("network", &labels.network), ("tenant", &labels.tenant)]
}

fn counter(out: &mut MetricEncoder<'_>, value: &impl EncodeCounterValue) -> fmt::Result {
    out.encode_counter::<NoLabelSet, _, u64>(value, None)
}

/// What the system does not tell is left out.
fn known<V: EncodeGaugeValue>(
    value: Option<V>,
    encode: impl FnOnce(V) -> fmt::Result,
) -> fmt::Result {
    value.map_or(Ok(()), encode)
}

fn seconds(ns: u64) -> f64 {
    std::time::Duration::from_nanos(ns).as_secs_f64()
}
