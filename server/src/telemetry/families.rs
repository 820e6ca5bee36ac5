//! Every metric by name: the one table that scrapes and the documentation go by.
//!
//! Labels are of the network and of the tenant, never of a session: those come and go without end.

use prometheus_client::{metrics::MetricType, registry::Unit};

use crate::session::figures::Figure;

/// One metric.
pub struct Family {
    pub(super) name: &'static str,
    pub(super) unit: Option<Unit>,
    pub(super) source: Source,
    /// What it says, in one sentence.
    pub about: &'static str,
}

/// Where its values come from.
#[derive(Clone, Copy)]
pub(super) enum Source {
    Build,
    Networks,
    Sessions,
    Watchers,
    QueueEvents,
    Total(Figure),
    Dropped,
    CoreSeconds,
    Latency(Latency),
    Connections,
    Refused,
    Flooded,
    Ended,
    JournalBytes,
    JournalSyncs,
    JournalFailures,
    Spans,
    ResidentBytes,
    CpuSeconds,
    StartTime,
    OpenFiles,
}

/// Which latencies.
#[derive(Clone, Copy)]
pub(super) enum Latency {
    Queue,
    Core,
    Wire,
}

impl Family {
    /// Its name as a scrape shows it.
    #[must_use]
    pub fn name(&self) -> String {
        let unit = self.unit.as_ref().map(|unit| format!("_{}", unit.as_str())).unwrap_or_default();
        let suffix = match self.metric_type() {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            _ => "",
        };
        format!("{}{unit}{suffix}", self.name)
    }

    /// What kind of metric it is.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.metric_type() {
            MetricType::Counter => "counter",
            MetricType::Histogram => "histogram",
            MetricType::Info => "info",
            _ => "gauge",
        }
    }

    /// The names of its labels.
    #[must_use]
    pub fn labels(&self) -> &'static [&'static str] {
        match self.source {
            Source::Build => &["version", "dynamics_version"],
            Source::Networks => &["state"],
            Source::Sessions => &["network", "tenant", "state"],
            Source::Dropped => &["network", "tenant", "cause"],
            Source::Watchers | Source::QueueEvents | Source::Total(_) | Source::CoreSeconds => {
                &["network", "tenant"]
            }
            Source::Latency(_) => &["network"],
            Source::Refused | Source::Flooded | Source::Ended => &["cause"],
            Source::Spans => &["outcome"],
            _ => &[],
        }
    }

    pub(super) const fn metric_type(&self) -> MetricType {
        match self.source {
            Source::Build => MetricType::Info,
            Source::Networks
            | Source::Sessions
            | Source::Watchers
            | Source::QueueEvents
            | Source::Connections
            | Source::ResidentBytes
            | Source::StartTime
            | Source::OpenFiles => MetricType::Gauge,
            Source::Latency(_) => MetricType::Histogram,
            _ => MetricType::Counter,
        }
    }
}

/// Every metric, as a scrape lists them.
#[must_use]
pub fn families() -> Vec<Family> {
    let family = |name, source, about| Family { name, unit: None, source, about };
    let seconds =
        |name, source, about| Family { unit: Some(Unit::Seconds), ..family(name, source, about) };
    let bytes =
        |name, source, about| Family { unit: Some(Unit::Bytes), ..family(name, source, about) };
    let total = |name, figure, about| family(name, Source::Total(figure), about);
    let latency = |name, kind, about| seconds(name, Source::Latency(kind), about);
    vec![
        family("spiked_build", Source::Build, "What runs: always 1."),
        family(
            "spiked_networks",
            Source::Networks,
            "Networks in the repository, loaded or broken.",
        ),
        family("spiked_sessions", Source::Sessions, "Sessions, running or resting on disk."),
        family("spiked_watchers", Source::Watchers, "Readers of sessions beside their producers."),
        family("spiked_queue_events", Source::QueueEvents, "Events accepted and not simulated."),
        total("spiked_batches", Figure::Batches, "Batches accepted."),
        total("spiked_duplicates", Figure::Duplicates, "Batches that had been accepted before."),
        total("spiked_events", Figure::Events, "Events of accepted batches, also those dropped."),
        family("spiked_events_dropped", Source::Dropped, "Events of these that were dropped."),
        total("spiked_events_filtered", Figure::Filtered, "Events that a port's filters left out."),
        total("spiked_words_dropped", Figure::Words, "Words of a camera that meant nothing."),
        total("spiked_deliveries", Figure::Deliveries, "Deliveries to neurons."),
        total("spiked_spikes", Figure::Spikes, "Spikes."),
        seconds("spiked_core", Source::CoreSeconds, "Processor time of simulating."),
        latency("spiked_queue_latency", Latency::Queue, "From acceptance to the simulation."),
        latency("spiked_core_latency", Latency::Core, "Turns of the simulation."),
        latency("spiked_wire_latency", Latency::Wire, "From a promise to all output below it."),
        family("spiked_connections", Source::Connections, "Connections that are open."),
        family("spiked_connections_refused", Source::Refused, "Connections that found no place."),
        family("spiked_floods_cut", Source::Flooded, "Connections cut off for a flood of frames."),
        family("spiked_requests_ended", Source::Ended, "Requests ended before they came whole."),
        bytes("spiked_journal", Source::JournalBytes, "Appended to journals."),
        family("spiked_journal_syncs", Source::JournalSyncs, "Syncs of journals."),
        family("spiked_journal_failures", Source::JournalFailures, "Writes and syncs that failed."),
        family("spiked_spans", Source::Spans, "Spans for a collector, by what became of them."),
        bytes("spiked_process_resident", Source::ResidentBytes, "Memory that is resident."),
        seconds("spiked_process_cpu", Source::CpuSeconds, "Processor time of the whole process."),
        seconds("spiked_process_start_time", Source::StartTime, "When it started, since 1970."),
        family("spiked_process_open_files", Source::OpenFiles, "Files that are open, and sockets."),
    ]
}
