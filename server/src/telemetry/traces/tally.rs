//! What became of spans, for the whole process, as spans are set up for all of it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Of this process.
pub(in crate::telemetry) static TALLY: Tally = Tally::new();

/// Spans by what became of them. All accesses are `Ordering: Relaxed`, they are figures.
#[derive(Debug)]
pub(in crate::telemetry) struct Tally {
    sent: AtomicU64,
    dropped: AtomicU64,
    refused: AtomicU64,
    unsent: AtomicU64,
}

impl Tally {
    const fn new() -> Self {
        Self {
            sent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            unsent: AtomicU64::new(0),
        }
    }

    /// The collector took them.
    pub(super) fn sent(&self, spans: u64) {
        self.sent.fetch_add(spans, Relaxed);
    }

    /// The queue was full.
    pub(super) fn dropped(&self, spans: u64) {
        self.dropped.fetch_add(spans, Relaxed);
    }

    /// The collector would not have them.
    pub(super) fn refused(&self, spans: u64) {
        self.refused.fetch_add(spans, Relaxed);
    }

    /// The collector was out of reach for too long.
    pub(super) fn unsent(&self, spans: u64) {
        self.unsent.fetch_add(spans, Relaxed);
    }

    /// All of them, by name.
    pub(in crate::telemetry) fn read(&self) -> [(&'static str, u64); 4] {
        let read = |count: &AtomicU64| count.load(Relaxed);
        [
            ("sent", read(&self.sent)),
            ("dropped", read(&self.dropped)),
            ("refused", read(&self.refused)),
            ("unsent", read(&self.unsent)),
        ]
    }

    /// Those that were lost.
    pub(super) fn lost(&self) -> u64 {
        self.read().iter().skip(1).map(|(_, count)| count).sum()
    }
}
