//! What a session's two sides share: bounded rings, wakers and counters; nothing else.
//!
//! The host puts checked input into `input` and takes messages from `output`; the engine does the
//! reverse. Full is a value on both sides: input that finds no slot grows the last chunk (credit
//! bounds it), output that finds none stops the engine until the host has taken half.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{
            AtomicBool, AtomicU32, AtomicUsize,
            Ordering::{AcqRel, Relaxed, SeqCst},
            fence,
        },
    },
    time::Instant,
};

use crossbeam::queue::ArrayQueue;
use futures::task::AtomicWaker;
use sim_core::{Tick, TickLength};
use spiked_proto::v1;
use tokio::sync::oneshot;

use super::{
    buckets::Measured,
    chunk::Chunk,
    engine::Engine,
    figures::Figures,
    output::Item,
    parking::Place,
    pool,
    positions::{self, Level, Standing},
    probing::Probe,
    snapshot::Frozen,
    tuning::Reading,
};

/// Pieces of input between the two sides; a full ring costs no more than gathering.
const INPUT_PIECES: usize = 64;
/// Messages in the outbox, and their bytes: what a session's slow reader may hold in memory.
const OUTPUT_ITEMS: usize = 1_024;
pub(super) const OUTPUT_BYTES: usize = 4 << 20;
/// Input on its way to the engine.
pub(crate) enum Input {
    /// Checked events and what goes with them.
    Chunk(Chunk),
    /// Freeze what is here when all before has been applied; holds the protocol's state.
    Snapshot { protocol: Vec<u8>, reply: oneshot::Sender<Frozen> },
    /// Add how long turns take, and answer.
    Latencies {
        latencies: v1::GetLatenciesResponse,
        reply: oneshot::Sender<v1::GetLatenciesResponse>,
    },
    /// Somebody wants to look at neurons.
    Probe(Box<Probe>),
    /// Somebody wants to read weights or parameters.
    Read(Reading),
}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// The engine came to its end; the outbox ends with `ended`.
    Finished(v1::EndReason),
    /// From outside, at once.
    Ended(v1::EndReason, String),
}

/// The shared middle of a session.
pub(crate) struct Link {
    pub(super) id: String,
    pub(super) tick: TickLength,
    input: ArrayQueue<Input>,
    recycled: ArrayQueue<Chunk>,
    output: ArrayQueue<Item>,
    output_bytes: AtomicUsize,
    /// The engine waits for room in the outbox.
    blocked: AtomicBool,
    pub(super) watchers: AtomicU32,
    pub(super) host: Arc<AtomicWaker>,
    place: Place<Box<Engine>>,
    pool: Arc<pool::Queue>,
    over: OnceLock<Over>,
    /// An end from outside of a session that had come to its own, with output yet to be read.
    overruled: OnceLock<Over>,
    pub(super) origin_us: OnceLock<u64>,
    /// Where the monotonic clock of this session starts.
    began: Instant,
    /// One a producer.
    pub(super) accepted: Vec<positions::Accepted>,
    pub(super) queued: positions::Queued,
    pub(super) simulated: positions::Simulated,
    /// Where latencies are counted for the daemon as a whole.
    pub(super) measured: Arc<Measured>,
}

impl Link {
    /// The link of a session whose engine is yet to be made.
    pub(crate) fn new(
        id: String,
        tick: TickLength,
        producers: usize,
        pool: Arc<pool::Queue>,
        measured: Arc<Measured>,
    ) -> Self {
        Self {
            id,
            tick,
            input: ArrayQueue::new(INPUT_PIECES),
            recycled: ArrayQueue::new(INPUT_PIECES),
            output: ArrayQueue::new(OUTPUT_ITEMS),
            output_bytes: AtomicUsize::new(0),
            blocked: AtomicBool::new(false),
            watchers: AtomicU32::new(0),
            host: Arc::new(AtomicWaker::new()),
            place: Place::queued(),
            pool,
            over: OnceLock::new(),
            overruled: OnceLock::new(),
            origin_us: OnceLock::new(),
            began: Instant::now(),
            accepted: (0..producers).map(|_| positions::Accepted::default()).collect(),
            queued: positions::Queued::default(),
            simulated: positions::Simulated::default(),
            measured,
        }
    }

    /// The session's id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(super) const fn place(&self) -> &Place<Box<Engine>> {
        &self.place
    }

    /// Puts a new engine to sleep until there is something to do.
    pub(super) fn settle(&self, engine: Box<Engine>) {
        self.place.begin();
        if let Some(engine) = self.place.park(engine) {
            self.pool.push(engine);
        }
    }

    /// Makes sure that the engine runs once more.
    pub(crate) fn wake_engine(&self) {
        if let Some(engine) = self.place.wake() {
            self.pool.push(engine);
        }
    }

    /// The same, on this thread if that is likely to be quick: see [`pool::Queue::run_here`]. True if
    /// it had its turn here.
    pub(super) fn run_engine(&self) -> bool {
        let Some(engine) = self.place.wake() else {
            return false;
        };
        if self.simulated.is_quick() {
            return self.pool.run_here(engine);
        }
        self.pool.push(engine);
        false
    }

    /// An empty chunk, used before if possible.
    pub(super) fn spare_chunk(&self) -> Chunk {
        self.recycled.pop().unwrap_or_default()
    }

    /// The chunk has been applied.
    pub(super) fn recycle(&self, mut chunk: Chunk) {
        chunk.clear();
        // With enough spares this one is let go.
        let _ = self.recycled.push(chunk);
    }

    /// Puts input into the ring, or gives it back when that is full.
    pub(super) fn push_input(&self, input: Input) -> Result<(), Input> {
        self.queued.count_piece();
        self.input.push(input).inspect_err(|_| self.queued.uncount_piece())
    }

    pub(super) fn has_room(&self) -> bool {
        !self.input.is_full()
    }

    pub(super) fn pop_input(&self) -> Option<Input> {
        self.input.pop()
    }

    /// Puts an item into the outbox, or gives it back when that is full: then the host wakes
    /// the engine once it has taken half.
    pub(super) fn push_output(&self, item: Item) -> Result<(), Item> {
        let bytes = item.bytes();
        let Err(item) = self.try_push_output(item, bytes) else {
            return Ok(());
        };
        // Ordering: Relaxed store, then the SeqCst fence, which pairs with the one in
        // `pop_output`: either the host sees `blocked`, or this sees the room it made.
        self.blocked.store(true, Relaxed);
        fence(SeqCst);
        self.try_push_output(item, bytes)
    }

    fn try_push_output(&self, item: Item, bytes: usize) -> Result<(), Item> {
        // Ordering: Relaxed. Only the engine adds, so the bound holds; the queue orders the rest.
        let held = self.output_bytes.load(Relaxed);
        if held > 0 && held + bytes > OUTPUT_BYTES {
            return Err(item);
        }
        self.output_bytes.fetch_add(bytes, Relaxed);
        self.output.push(item).inspect_err(|_| {
            // Ordering: Relaxed, as above.
            self.output_bytes.fetch_sub(bytes, Relaxed);
        })
    }

    pub(super) fn pop_output(&self) -> Option<Item> {
        let item = self.output.pop()?;
        let bytes = item.bytes();
        // Ordering: Relaxed. A figure for the bound; see `try_push_output`.
        let left = self.output_bytes.fetch_sub(bytes, Relaxed) - bytes;
        // Ordering: SeqCst fence pairs with the one in `push_output`.
        fence(SeqCst);
        let half_empty = self.output.len() <= OUTPUT_ITEMS / 2 && left <= OUTPUT_BYTES / 2;
        // Ordering: Relaxed load after the fence; AcqRel swap so that one pop wakes.
        if half_empty && self.blocked.load(Relaxed) && self.blocked.swap(false, AcqRel) {
            self.wake_engine();
        }
        Some(item)
    }

    fn standing(&self) -> Standing<'_> {
        let (queued, simulated, tick) = (&self.queued, &self.simulated, self.tick);
        Standing { queued, simulated, tick, origin_us: self.origin_us.get().copied() }
    }

    /// How full the queue is, and what time it is.
    pub(super) fn level(&self) -> Level {
        self.standing().level(self.now_us())
    }

    /// The session's monotonic clock \[µs\].
    pub(super) fn now_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// What the session says about itself to a producer when every tick below `closed` may be
    /// announced.
    pub(crate) fn acknowledgement(&self, producer: usize, closed: Tick) -> v1::Acknowledgement {
        match self.accepted.get(producer) {
            Some(accepted) => self.standing().acknowledgement(accepted, producer == 0, closed),
            None => v1::Acknowledgement::default(),
        }
    }

    /// What it has done, its past included; the past of its simulation is none of it.
    pub(super) fn figures(&self) -> Figures {
        let mut figures = Figures::default();
        for accepted in &self.accepted {
            accepted.count(&mut figures);
        }
        self.simulated.count(&mut figures);
        figures
    }

    /// Events that are accepted and not simulated.
    pub(super) fn queue_events(&self) -> u64 {
        self.standing().queue_events()
    }

    /// Ends the session; the first reason from outside counts.
    pub(crate) fn end(&self, over: Over) {
        if let Err(over) = self.over.set(over)
            && matches!(over, Over::Ended(..))
        {
            let _ = self.overruled.set(over);
        }
        self.wake_engine();
        self.host.wake();
    }

    /// Ends the session on a mistake of ours.
    pub(super) fn broke(&self, message: &str) {
        tracing::error!(session = self.id, "{message}");
        self.end(Over::Ended(v1::EndReason::Failed, message.to_owned()));
    }

    pub(crate) fn over(&self) -> Option<&Over> {
        let own = self.over.get();
        match own {
            Some(Over::Finished(_)) => self.overruled.get().or(own),
            _ => own,
        }
    }
}
