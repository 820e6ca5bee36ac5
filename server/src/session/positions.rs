//! Where a session stands: counters with one writer each, read by whoever makes acknowledgements.
//!
//! The protocol's are written by the session's intake, the engine's by whichever simulation thread
//! runs it. Each counter only rises. Invariant: what is dropped, simulated and waiting adds up to
//! what was sent, because waiting is computed as the difference of the others.

use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use sim_core::{Counters, Tick, TickLength};
use spiked_proto::v1;

use super::{protocol::Status, settings::Capacity};

/// Written by the intake after each message.
#[derive(Debug, Default)]
pub(crate) struct Accepted {
    batches: AtomicU64,
    events: AtomicU64,
    charged_events: AtomicU64,
    charged_bytes: AtomicU64,
    duplicates: AtomicU64,
    counted: AtomicU64,
    late: AtomicU64,
    outside: AtomicU64,
    multiplicity: AtomicU64,
    words: AtomicU64,
    /// Pieces of input put into the ring.
    pieces: AtomicU64,
}

/// Written by the engine at the end of each turn.
#[derive(Debug, Default)]
pub(crate) struct Simulated {
    /// Every tick below it is closed and its output is in the outbox.
    closed: AtomicU64,
    /// Events applied to the core that wait there no longer.
    disposed: AtomicU64,
    /// How many pieces of input had been applied when nothing more could be simulated.
    settled: AtomicU64,
    filtered: AtomicU64,
    excess: AtomicU64,
    deliveries: AtomicU64,
    spikes: AtomicU64,
    core_ns: AtomicU64,
    output: AtomicU64,
    /// The largest credit announced; what was granted is never taken back.
    credit_events: AtomicU64,
}

/// How full the queue is, as the protocol needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    /// How much may have been sent in all.
    pub(crate) credit: v1::Credit,
    /// The simulation waits for a promise: nothing in the queue can move before.
    pub(crate) idle: bool,
    /// Events in the queue.
    pub(crate) waiting: u64,
}

impl Accepted {
    /// Publishes where the protocol stands.
    pub(crate) fn publish(&self, status: &Status) {
        // Ordering: Relaxed throughout. These are figures for acknowledgements; the intake and the
        // reader share a thread, or meet at the reader's waker.
        self.batches.store(status.accepted, Relaxed);
        self.events.store(status.events_applied, Relaxed);
        self.counted.store(status.events_counted, Relaxed);
        self.charged_events.store(status.charged_events, Relaxed);
        self.charged_bytes.store(status.charged_bytes, Relaxed);
        self.duplicates.store(status.duplicates, Relaxed);
        self.late.store(status.drops.late, Relaxed);
        self.outside.store(status.drops.outside, Relaxed);
        self.multiplicity.store(status.drops.multiplicity, Relaxed);
        self.words.store(status.drops.words, Relaxed);
    }

    /// One more piece of input goes into the ring.
    pub(crate) fn count_piece(&self) {
        // Ordering: Relaxed. Only the intake writes it, and reads it in `level`.
        self.pieces.fetch_add(1, Relaxed);
    }

    /// The ring was full after all.
    pub(crate) fn uncount_piece(&self) {
        // Ordering: Relaxed, as in `count_piece`.
        self.pieces.fetch_sub(1, Relaxed);
    }
}

impl Simulated {
    /// Publishes what a turn has done. `closed` last: who sees it sees the rest.
    pub(crate) fn publish(&self, counters: &Counters, applied: u64, closed: Tick) {
        // Ordering: Relaxed for figures; `disposed` and `closed` carry the others.
        self.filtered.store(counters.events_filtered, Relaxed);
        self.excess.store(counters.events_excess, Relaxed);
        self.deliveries.store(counters.deliveries, Relaxed);
        self.spikes.store(counters.spikes, Relaxed);
        // Ordering: Release pairs with the Acquire in `disposed` and `closed`.
        self.disposed.store(applied.saturating_sub(counters.events_waiting), Release);
        self.closed.store(closed.0, Release);
    }

    /// Nothing more can be simulated with the first `pieces` pieces of input.
    pub(crate) fn settle(&self, pieces: u64) {
        // Ordering: Release pairs with the Acquire in `level`: `disposed` is up to date.
        self.settled.store(pieces, Release);
    }

    /// Adds a turn's processor time \[ns\].
    pub(crate) fn spent(&self, core_ns: u64) {
        // Ordering: Relaxed, a figure.
        self.core_ns.fetch_add(core_ns, Relaxed);
    }

    /// The output position after all output made so far.
    pub(crate) fn set_output(&self, position: u64) {
        // Ordering: Relaxed, a figure.
        self.output.store(position, Relaxed);
    }

    /// The output position after all output made so far.
    pub(crate) fn output(&self) -> u64 {
        // Ordering: Relaxed, a figure.
        self.output.load(Relaxed)
    }

    /// Every tick below this is closed and its output is in the outbox, or has left it.
    pub(crate) fn closed(&self) -> Tick {
        // Ordering: Acquire pairs with the Release in `publish`: output below it is in the outbox.
        Tick(self.closed.load(Acquire))
    }

    fn disposed(&self) -> u64 {
        // Ordering: Acquire pairs with the Release in `publish`.
        self.disposed.load(Acquire)
    }
}

/// How full the queue is and how much may be sent.
pub(crate) fn level(accepted: &Accepted, simulated: &Simulated, capacity: Capacity) -> Level {
    // Ordering: Acquire pairs with the Release in `settle`.
    let idle = simulated.settled.load(Acquire) == accepted.pieces.load(Relaxed);
    let disposed = simulated.disposed();
    let waiting = accepted.events.load(Relaxed).saturating_sub(disposed);
    let gone = accepted.charged_events.load(Relaxed).saturating_sub(waiting);
    let events = gone.saturating_add(capacity.events);
    // Ordering: Relaxed. EVT3 words may hold more events than they are charged for, so `gone` can
    // fall; what was granted stays granted.
    let granted = simulated.credit_events.fetch_max(events, Relaxed).max(events);
    let bytes = accepted.charged_bytes.load(Relaxed).saturating_add(capacity.bytes);
    Level { credit: v1::Credit { events: granted, bytes }, idle, waiting }
}

/// What a session says about itself; `closed` must be safe to announce.
pub(crate) fn acknowledgement(
    accepted: &Accepted,
    simulated: &Simulated,
    capacity: Capacity,
    closed: Tick,
    clock: (TickLength, Option<u64>),
) -> v1::Acknowledgement {
    let level = level(accepted, simulated, capacity);
    let excess = simulated.excess.load(Relaxed);
    let (tick, origin_us) = clock;
    v1::Acknowledgement {
        accepted: accepted.batches.load(Relaxed),
        durable: 0,
        simulated_to_us: origin_us.map_or(0, |origin_us| tick.start_us(closed, origin_us)),
        simulated_to_tick: closed.0,
        queue_events: level.waiting,
        credit: Some(level.credit),
        drops: Some(v1::Drops {
            late: accepted.late.load(Relaxed),
            outside: accepted.outside.load(Relaxed),
            multiplicity: accepted.multiplicity.load(Relaxed) + excess,
            overload: 0,
            words: accepted.words.load(Relaxed),
        }),
        events_accepted: accepted.counted.load(Relaxed).saturating_sub(excess),
        events_filtered: simulated.filtered.load(Relaxed),
        duplicates: accepted.duplicates.load(Relaxed),
        deliveries: simulated.deliveries.load(Relaxed),
        spikes: simulated.spikes.load(Relaxed),
        core_ns: simulated.core_ns.load(Relaxed),
        lag_us: 0,
    }
}
