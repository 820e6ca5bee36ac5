//! One interval of a load: what a line of a log holds.

use hdrhistogram::{
    Histogram,
    serialization::{Serializer as _, V2Serializer},
};
use serde::{Deserialize, Serialize};

use super::{Counts, Latencies};

/// An interval, as it is reported. Latencies are of batches that were simulated in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interval {
    /// When it ended, from the load's start \[s\].
    pub end_s: f64,
    /// How long it was \[s\].
    pub length_s: f64,
    /// Events that were due, sent and simulated in it.
    pub events_due: u64,
    /// Sent.
    pub events_sent: u64,
    /// Simulated.
    pub events_simulated: u64,
    /// Dropped by the daemon, by any cause.
    pub events_dropped: u64,
    /// Spikes that came back.
    pub spikes: u64,
    /// Events due and not simulated at its end.
    pub backlog_events: u64,
    /// From the intended moment of a batch until it was simulated.
    pub p50_us: f64,
    /// The same.
    pub p99_us: f64,
    /// The same.
    pub max_us: f64,
    /// Batches measured.
    pub batches: u64,
    /// By how much the generator itself was late.
    pub own_p50_us: f64,
    /// The same.
    pub own_p99_us: f64,
    /// Processor time of the load's own process \[s\].
    pub generator_cpu_s: f64,
    /// Processor time of the daemon's \[s\]; 0 where it isn't known.
    pub daemon_cpu_s: f64,
    /// Resident memory of the daemon at its end \[bytes\]; 0 where it isn't known.
    pub daemon_resident_bytes: u64,
    /// The histogram itself, as HDR V2 \[ns\].
    #[serde(skip)]
    pub(crate) simulated_v2: Vec<u8>,
}

impl Interval {
    /// What became more between two counts, and how long it took.
    pub(super) fn of(before: &Counts, after: &Counts, latencies: &Latencies) -> Self {
        let us = |ns: u64| ns as f64 / 1e3;
        let Latencies { simulated, own_lateness, .. } = latencies;
        let mut simulated_v2 = Vec::new();
        V2Serializer::new().serialize(simulated, &mut simulated_v2).expect("memory takes it");
        Self {
            events_due: after.events_due - before.events_due,
            events_sent: after.events_sent - before.events_sent,
            events_simulated: after.events_simulated - before.events_simulated,
            events_dropped: after.events_dropped - before.events_dropped,
            spikes: after.spikes - before.spikes,
            p50_us: us(simulated.value_at_quantile(0.5)),
            p99_us: us(simulated.value_at_quantile(0.99)),
            max_us: if simulated.is_empty() { 0.0 } else { us(simulated.max()) },
            batches: simulated.len(),
            own_p50_us: us(own_lateness.value_at_quantile(0.5)),
            own_p99_us: us(own_lateness.value_at_quantile(0.99)),
            simulated_v2,
            ..Self::default()
        }
    }

    /// The histogram of the interval's batches \[ns\]; `None` where it was read back from a report.
    pub(crate) fn histogram_ns(&self) -> Option<Histogram<u64>> {
        let mut bytes = self.simulated_v2.as_slice();
        hdrhistogram::serialization::Deserializer::new().deserialize(&mut bytes).ok()
    }
}
