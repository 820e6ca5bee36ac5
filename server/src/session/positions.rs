//! Where a session stands: counters with one writer each, read by whoever makes acknowledgements.
//!
//! A producer's are written by the session's host, the engine's by whichever simulation thread
//! runs it. Invariant: what is dropped, simulated and waiting adds up to what was sent, because
//! waiting is computed as the difference of the others.

use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use sim_core::{Counters, Tick, TickLength};
use spiked_proto::v1;

use super::{
    figures::{Figure, Figures},
    protocol::Protocol,
};

/// Of one producer; written by the host after each message.
#[derive(Debug, Default)]
pub(crate) struct Accepted {
    batches: AtomicU64,
    durable: AtomicU64,
    credit_events: AtomicU64,
    credit_bytes: AtomicU64,
    charged_events: AtomicU64,
    charged_bytes: AtomicU64,
    duplicates: AtomicU64,
    counted: AtomicU64,
    late: AtomicU64,
    outside: AtomicU64,
    multiplicity: AtomicU64,
    overload: AtomicU64,
    words: AtomicU64,
    values: AtomicU64,
    rate_limited: AtomicBool,
    ended: AtomicBool,
}

/// Of all producers together; written by the host.
#[derive(Debug, Default)]
pub(crate) struct Queued {
    /// Entries for the simulation.
    entries: AtomicU64,
    /// Pieces of input put into the ring.
    pieces: AtomicU64,
    /// The session's promise under live pace \[µs\]; zero otherwise.
    live_us: AtomicU64,
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
    between_samples: AtomicU64,
    deliveries: AtomicU64,
    spikes: AtomicU64,
    core_ns: AtomicU64,
    output: AtomicU64,
    quick: AtomicBool,
    past: Past,
}

/// What the core had counted before the session began in this daemon, and what it has made again
/// of a journal since.
#[derive(Debug, Default)]
struct Past {
    filtered: AtomicU64,
    excess: AtomicU64,
    between_samples: AtomicU64,
    deliveries: AtomicU64,
    spikes: AtomicU64,
}

/// How full the queue is and what time it is, as the protocol needs to know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Level {
    /// The simulation waits for a promise: nothing in the queue can move before.
    pub(crate) idle: bool,
    /// All events below it are simulated \[µs, sender's clock\].
    pub(crate) closed_us: u64,
    /// How far the session is behind real time, under live pace \[µs\].
    pub(crate) lag_us: u64,
    /// The daemon's monotonic clock \[µs\].
    pub(crate) now_us: u64,
    /// The tenant has nothing left of what it may send a second.
    pub(crate) over_rate: bool,
}

impl Accepted {
    /// Publishes where a producer stands.
    pub(crate) fn publish(&self, protocol: &Protocol, producer: usize) {
        let (status, credit) = (protocol.status(producer), protocol.credit(producer));
        // Ordering: Relaxed throughout. These are figures for acknowledgements; the host and the
        // readers share a thread, or meet at the reader's waker.
        self.batches.store(status.accepted, Relaxed);
        self.credit_events.store(credit.events, Relaxed);
        self.credit_bytes.store(credit.bytes, Relaxed);
        self.charged_events.store(status.charged_events, Relaxed);
        self.charged_bytes.store(status.charged_bytes, Relaxed);
        self.counted.store(status.events_counted, Relaxed);
        self.duplicates.store(status.duplicates, Relaxed);
        self.late.store(status.drops.late, Relaxed);
        self.outside.store(status.drops.outside, Relaxed);
        self.multiplicity.store(status.drops.multiplicity, Relaxed);
        self.overload.store(status.drops.overload, Relaxed);
        self.words.store(status.drops.words, Relaxed);
        self.values.store(status.drops.values, Relaxed);
        self.rate_limited.store(protocol.is_rate_limited(producer), Relaxed);
        self.ended.store(protocol.has_ended(producer), Relaxed);
    }

    /// It sends no more.
    pub(crate) fn has_ended(&self) -> bool {
        // Ordering: Relaxed, a figure.
        self.ended.load(Relaxed)
    }

    /// Batches up to here survive.
    pub(crate) fn set_durable(&self, batches: u64) {
        // Ordering: Relaxed, a figure as above.
        self.durable.store(batches, Relaxed);
    }

    /// Batches up to here survive.
    pub(crate) fn durable(&self) -> u64 {
        // Ordering: Relaxed, a figure.
        self.durable.load(Relaxed)
    }

    /// Batches accepted.
    pub(crate) fn batches(&self) -> u64 {
        // Ordering: Relaxed, a figure.
        self.batches.load(Relaxed)
    }

    /// Adds what it counts.
    pub(crate) fn count(&self, figures: &mut Figures) {
        // Ordering: Relaxed, figures. What is dropped moves from one to another, and their sum stays.
        let drops = [
            (Figure::Late, self.late.load(Relaxed)),
            (Figure::Outside, self.outside.load(Relaxed)),
            (Figure::Multiplicity, self.multiplicity.load(Relaxed)),
            (Figure::Overload, self.overload.load(Relaxed)),
        ];
        for (cause, dropped) in drops {
            figures.add(cause, dropped);
            figures.add(Figure::Events, dropped);
        }
        figures.add(Figure::Events, self.counted.load(Relaxed));
        figures.add(Figure::Words, self.words.load(Relaxed));
        figures.add(Figure::Batches, self.batches.load(Relaxed));
        figures.add(Figure::Duplicates, self.duplicates.load(Relaxed));
    }

    /// What accepted batches used of the credit.
    pub(crate) fn used(&self) -> v1::Credit {
        // Ordering: Relaxed, figures.
        v1::Credit {
            events: self.charged_events.load(Relaxed),
            bytes: self.charged_bytes.load(Relaxed),
        }
    }
}

impl Queued {
    /// Publishes what all producers have in the queue.
    pub(crate) fn publish(&self, protocol: &Protocol, is_live: bool) {
        let all = 0..protocol.producers();
        let entries = all.map(|producer| protocol.status(producer).events_applied).sum();
        // Ordering: Relaxed, figures as in `Accepted::publish`.
        self.entries.store(entries, Relaxed);
        self.live_us.store(if is_live { protocol.promised_us() } else { 0 }, Relaxed);
    }

    /// One more piece of input goes into the ring.
    pub(crate) fn count_piece(&self) {
        // Ordering: Relaxed. Only the host writes it, and reads it in `level`.
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
        // Ordering: Release pairs with the Acquire in `count`: the past that was set before.
        self.filtered.store(counters.events_filtered, Release);
        self.excess.store(counters.events_excess, Release);
        self.between_samples.store(counters.events_outside_samples, Release);
        self.deliveries.store(counters.deliveries, Release);
        self.spikes.store(counters.spikes, Release);
        // Ordering: Release pairs with the Acquire in `disposed` and `closed`.
        self.disposed.store(applied.saturating_sub(counters.events_waiting), Release);
        self.closed.store(closed.0, Release);
    }

    /// All of this is past.
    pub(crate) fn set_past(&self, counters: &Counters) {
        // Ordering: Relaxed. The Release in `publish`, which comes after, carries them to `count`.
        self.past.filtered.store(counters.events_filtered, Relaxed);
        self.past.excess.store(counters.events_excess, Relaxed);
        self.past.between_samples.store(counters.events_outside_samples, Relaxed);
        self.past.deliveries.store(counters.deliveries, Relaxed);
        self.past.spikes.store(counters.spikes, Relaxed);
    }

    /// Adds what has been simulated beyond the past.
    pub(crate) fn count(&self, figures: &mut Figures) {
        let past = &self.past;
        let counted = [
            (Figure::Filtered, &self.filtered, &past.filtered),
            (Figure::Multiplicity, &self.excess, &past.excess),
            (Figure::BetweenSamples, &self.between_samples, &past.between_samples),
            (Figure::Deliveries, &self.deliveries, &past.deliveries),
            (Figure::Spikes, &self.spikes, &past.spikes),
        ];
        for (figure, now, past) in counted {
            // Ordering: Acquire pairs with the Release in `publish`: the past is read after the
            // figure, and is at least what it was when that was stored.
            let now = now.load(Acquire);
            figures.add(figure, now.saturating_sub(past.load(Relaxed)));
        }
        // Ordering: Relaxed, a figure of its own.
        figures.add(Figure::CoreNs, self.core_ns.load(Relaxed));
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

    /// Says whether the next turn is likely to be over in no time.
    pub(crate) fn set_quick(&self, quick: bool) {
        // Ordering: Relaxed, a guess that guards nothing.
        self.quick.store(quick, Relaxed);
    }

    /// Whether the next turn is likely to be over in no time.
    pub(crate) fn is_quick(&self) -> bool {
        // Ordering: Relaxed, as above.
        self.quick.load(Relaxed)
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

/// A session's counters, as they are read together.
pub(crate) struct Standing<'a> {
    pub(crate) queued: &'a Queued,
    pub(crate) simulated: &'a Simulated,
    pub(crate) tick: TickLength,
    pub(crate) origin_us: Option<u64>,
}

impl Standing<'_> {
    /// Start of a tick on the sender's clock \[µs\]; zero before the origin is known.
    fn start_us(&self, tick: Tick) -> u64 {
        self.origin_us.map_or(0, |origin_us| self.tick.start_us(tick, origin_us))
    }

    fn lag_us(&self, closed_us: u64) -> u64 {
        self.queued.live_us.load(Relaxed).saturating_sub(closed_us)
    }

    /// How full the queue is.
    pub(crate) fn level(&self, now_us: u64) -> Level {
        // Ordering: Acquire pairs with the Release in `settle`.
        let settled = self.simulated.settled.load(Acquire);
        let idle = settled == self.queued.pieces.load(Relaxed);
        let closed_us = self.start_us(self.simulated.closed());
        Level { idle, closed_us, lag_us: self.lag_us(closed_us), now_us, over_rate: false }
    }

    /// Events that are accepted and not simulated.
    pub(crate) fn queue_events(&self) -> u64 {
        // Ordering: Relaxed, a figure.
        self.queued.entries.load(Relaxed).saturating_sub(self.simulated.disposed())
    }

    /// What the session says about itself to a producer; `closed` must be safe to announce. The
    /// first producer is told of the core's own drops.
    pub(crate) fn acknowledgement(
        &self,
        accepted: &Accepted,
        is_first: bool,
        closed: Tick,
    ) -> v1::Acknowledgement {
        let simulated = self.simulated;
        let disposed = simulated.disposed();
        let dropped = |by_core: &AtomicU64| if is_first { by_core.load(Relaxed) } else { 0 };
        let excess = dropped(&simulated.excess);
        let between_samples = dropped(&simulated.between_samples);
        let closed_us = self.start_us(closed);
        v1::Acknowledgement {
            accepted: accepted.batches(),
            durable: accepted.durable(),
            simulated_to_us: closed_us,
            simulated_to_tick: closed.0,
            queue_events: self.queued.entries.load(Relaxed).saturating_sub(disposed),
            credit: Some(v1::Credit {
                events: accepted.credit_events.load(Relaxed),
                bytes: accepted.credit_bytes.load(Relaxed),
            }),
            drops: Some(v1::Drops {
                late: accepted.late.load(Relaxed),
                outside: accepted.outside.load(Relaxed),
                multiplicity: accepted.multiplicity.load(Relaxed) + excess,
                overload: accepted.overload.load(Relaxed),
                words: accepted.words.load(Relaxed),
                values: accepted.values.load(Relaxed),
                between_samples,
            }),
            events_accepted: accepted
                .counted
                .load(Relaxed)
                .saturating_sub(excess + between_samples),
            events_filtered: simulated.filtered.load(Relaxed),
            duplicates: accepted.duplicates.load(Relaxed),
            deliveries: simulated.deliveries.load(Relaxed),
            spikes: simulated.spikes.load(Relaxed),
            core_ns: simulated.core_ns.load(Relaxed),
            lag_us: self.lag_us(closed_us),
            rate_limited: accepted.rate_limited.load(Relaxed),
        }
    }
}
