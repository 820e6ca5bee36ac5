//! How long batches take: from acceptance to the engine, and until what they promised is simulated.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use hdrhistogram::{
    Histogram,
    serialization::{Serializer as _, V2Serializer},
};
use sim_core::Tick;

use super::Host;
use crate::session::buckets::{Buckets, Measured};

/// Batches whose end is awaited; of more at once, every batch is not measured.
const AWAITED_MAX: usize = 1_024;

/// Latencies \[ns\] of one kind; takes memory once there is one.
#[derive(Default)]
pub(crate) struct Latencies(Option<Histogram<u64>>);

impl Latencies {
    /// Takes the time since then, also for the daemon as a whole.
    pub(crate) fn record(&mut self, since: Instant, shared: &Buckets) {
        let time = since.elapsed();
        self.add(time);
        shared.add(time);
    }

    fn add(&mut self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        if self.0.is_none() {
            // Two digits are a percent, which is more than a machine with other work gives.
            self.0 = Histogram::new(2).ok();
        }
        if let Some(histogram) = &mut self.0 {
            // It grows with what it is given, and there are no hours here that it could not hold.
            let _ = histogram.record(ns);
        }
    }

    /// In HDR's V2 format; empty where nothing was measured.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(histogram) = &self.0
            && V2Serializer::new().serialize(histogram, &mut bytes).is_err()
        {
            bytes.clear();
        }
        bytes
    }
}

/// What a host measures.
#[derive(Default)]
pub(super) struct Measures {
    pub(super) queue: Latencies,
    pub(super) wire: Latencies,
    /// When the oldest input that is yet to reach the engine was accepted.
    accepted: Option<Instant>,
    /// When a promise was accepted, and the tick that it closes.
    awaited: VecDeque<(Instant, Tick)>,
}

impl Measures {
    /// Input was accepted that closes all ticks below this.
    pub(super) fn accepted(&mut self, closes: Tick) {
        let now = Instant::now();
        self.accepted.get_or_insert(now);
        let news = self.awaited.back().is_none_or(|&(_, tick)| tick < closes);
        if news && self.awaited.len() < AWAITED_MAX {
            self.awaited.push_back((now, closes));
        }
    }

    /// All that was accepted is on its way to the engine.
    pub(super) fn handed(&mut self, shared: &Measured) {
        if let Some(since) = self.accepted.take() {
            self.queue.record(since, &shared.queue);
        }
    }

    /// All output below this tick is on its way to whoever reads.
    pub(super) fn moved(&mut self, closed: Tick, shared: &Measured) {
        while let Some(&(since, closes)) = self.awaited.front()
            && closes <= closed
        {
            self.wire.record(since, &shared.wire);
            self.awaited.pop_front();
        }
    }
}

impl Host {
    /// Notes that a message led to something.
    pub(super) fn measure_accepted(&mut self) {
        let promised_us = self.protocol.promised_us();
        let origin_us = self.link.origin_us.get().copied().unwrap_or(0);
        self.measures.accepted(self.link.tick.closed_by(promised_us, origin_us));
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::Deserializer;

    use super::*;

    /// Seen to fail with a histogram that does not grow.
    #[test]
    fn what_is_recorded_is_read_to_a_percent() {
        let mut latencies = Latencies::default();
        assert!(latencies.to_bytes().is_empty());
        for us in [3, 900, 2_000_000] {
            latencies.add(Duration::from_micros(us));
        }
        let bytes = latencies.to_bytes();
        let read: Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
        let near = |value: u64, ns: u64| value.abs_diff(ns) * 100 <= ns;
        assert!(near(read.min(), 3_000) && near(read.value_at_quantile(0.5), 900_000));
        assert!(near(read.max(), 2_000_000_000), "{}", read.max());
    }
}
