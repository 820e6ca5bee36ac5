//! What a load measures, in intervals and in all.
//!
//! Latencies are kept in HDR histograms of nanoseconds. Each is counted from the moment at which the
//! schedule wanted a batch to leave, so that a stall counts for everything that it held up (the
//! *coordinated omission* of Gil Tene), and once more from when it left.

mod interval;
mod usage;

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

pub use interval::Interval;
pub use usage::{Usage, of_process};

/// Longest latency told apart \[ns\]: ten minutes.
const LATENCY_NS_MAX: u64 = 600_000_000_000;

/// An empty histogram of latencies \[ns\].
#[must_use]
pub fn histogram_ns() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3).expect("constant bounds that it allows")
}

/// Latencies of one kind each \[ns\].
#[derive(Clone, Debug)]
pub struct Latencies {
    /// From the intended moment of a batch until it was simulated.
    pub simulated: Histogram<u64>,
    /// The same from when it left.
    pub simulated_from_sending: Histogram<u64>,
    /// From the intended moment of a batch until it was accepted.
    pub accepted: Histogram<u64>,
    /// From the intended moment of a spike's time until the spike arrived.
    pub spike: Histogram<u64>,
    /// By how much the generator itself was late.
    pub own_lateness: Histogram<u64>,
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            simulated: histogram_ns(),
            simulated_from_sending: histogram_ns(),
            accepted: histogram_ns(),
            spike: histogram_ns(),
            own_lateness: histogram_ns(),
        }
    }
}

impl Latencies {
    fn all(&mut self) -> [&mut Histogram<u64>; 5] {
        let Self { simulated, simulated_from_sending, accepted, spike, own_lateness } = self;
        [simulated, simulated_from_sending, accepted, spike, own_lateness]
    }

    fn add(&mut self, other: &mut Self) {
        for (all, part) in self.all().into_iter().zip(other.all()) {
            all.add(&*part).expect("the same bounds");
        }
    }

    fn reset(&mut self) {
        self.all().into_iter().for_each(|histogram| histogram.reset());
    }
}

/// Counts of a load; all of them only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Events that were due.
    pub events_due: u64,
    /// Events that were sent.
    pub events_sent: u64,
    /// Events that were simulated.
    pub events_simulated: u64,
    /// Events that the daemon dropped, by any cause.
    pub events_dropped: u64,
    /// Batches that were sent.
    pub batches: u64,
    /// Spikes that came back.
    pub spikes: u64,
    /// Decisions that came back.
    pub decisions: u64,
}

/// Gathers what all sessions of a load see.
#[derive(Debug)]
pub(crate) struct Measures {
    pub(crate) began: Instant,
    /// What came before counts for nothing.
    warm_at: Instant,
    pub(crate) counts: Counts,
    /// Of the interval that runs.
    now: Latencies,
    pub(crate) total: Latencies,
    pub(crate) intervals: Vec<Interval>,
    /// What the counts were when the interval began, and the processor times.
    before: Before,
    usage_of: Sampled,
}

#[derive(Clone, Copy, Debug)]
struct Before {
    at: Instant,
    counts: Counts,
    generator: Usage,
    daemon: Usage,
}

/// Processes whose use of the machine is sampled.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sampled {
    /// The daemon's process, where it runs on this machine and is known.
    pub(crate) daemon: Option<u32>,
}

impl Sampled {
    pub(crate) fn daemon(&self) -> Usage {
        self.daemon.and_then(of_process).unwrap_or_default()
    }
}

impl Measures {
    pub(crate) fn new(began: Instant, warmup: Duration, of: Sampled) -> Self {
        let (at, counts) = (began, Counts::default());
        let (generator, daemon) = (Usage::default(), Usage::default());
        Self {
            began,
            warm_at: began + warmup,
            counts: Counts::default(),
            now: Latencies::default(),
            total: Latencies::default(),
            intervals: Vec::new(),
            before: Before { at, counts, generator, daemon },
            usage_of: of,
        }
    }

    pub(crate) fn is_warm(&self, at: Instant) -> bool {
        at >= self.warm_at
    }

    /// The latencies of the interval that runs; nothing of what was due before it was warm.
    pub(crate) fn at(&mut self, due: Instant) -> Option<&mut Latencies> {
        self.is_warm(due).then_some(&mut self.now)
    }

    /// Events that were due and are not simulated.
    pub(crate) fn backlog(&self) -> u64 {
        let done = self.counts.events_simulated + self.counts.events_dropped;
        self.counts.events_due.saturating_sub(done)
    }

    /// Begins to count: what was before is no interval.
    pub(crate) fn begin_interval(&mut self, at: Instant) {
        let generator = of_process(std::process::id()).unwrap_or_default();
        self.before = Before { at, counts: self.counts, generator, daemon: self.usage_of.daemon() };
    }

    /// Ends an interval, and begins the next.
    pub(crate) fn end_interval(&mut self, now: Instant) {
        let before = self.before;
        self.begin_interval(now);
        let interval = Interval {
            end_s: now.saturating_duration_since(self.began).as_secs_f64(),
            length_s: now.saturating_duration_since(before.at).as_secs_f64(),
            backlog_events: self.backlog(),
            generator_cpu_s: self.before.generator.cpu_s - before.generator.cpu_s,
            daemon_cpu_s: self.before.daemon.cpu_s - before.daemon.cpu_s,
            daemon_resident_bytes: self.before.daemon.resident_bytes,
            ..Interval::of(&before.counts, &self.counts, &self.now)
        };
        self.intervals.push(interval);
        self.total.add(&mut self.now);
        self.now.reset();
    }
}

/// A span as nanoseconds that a histogram takes.
pub(crate) fn ns(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX).clamp(1, LATENCY_NS_MAX)
}
