//! How long batches take: from acceptance to the engine, and until what they promised is simulated.

use std::{collections::VecDeque, time::Instant};

use hdrhistogram::{
    Histogram,
    serialization::{Serializer as _, V2Serializer},
};
use sim_core::Tick;

use super::Host;

/// Batches whose end is awaited; of more at once, every batch is not measured.
const AWAITED_MAX: usize = 1_024;

/// Latencies \[ns\] of one kind; takes memory once there is one.
#[derive(Default)]
pub(crate) struct Latencies(Option<Histogram<u64>>);

impl Latencies {
    pub(crate) fn record(&mut self, since: Instant) {
        let ns = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if self.0.is_none() {
            // Two digits are a percent, which is more than a machine with other work gives.
            self.0 = Histogram::new(2).ok();
        }
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(ns.max(1));
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
    pub(super) fn handed(&mut self) {
        if let Some(since) = self.accepted.take() {
            self.queue.record(since);
        }
    }

    /// All output below this tick is on its way to whoever reads.
    pub(super) fn moved(&mut self, closed: Tick) {
        while let Some(&(since, closes)) = self.awaited.front()
            && closes <= closed
        {
            self.wire.record(since);
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
