//! Between a session's host and one stream that reads: a bounded queue and what else is to be said.
//!
//! The host puts in what the stream has room for and goes on; the stream takes, and wakes the host
//! when there is room again. Full is a value on both sides: nobody waits.

use std::sync::{
    Arc, OnceLock,
    atomic::{
        AtomicBool, AtomicU64, AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
        fence,
    },
};

use crossbeam::queue::ArrayQueue;
use futures::task::AtomicWaker;
use sim_core::Tick;
use spiked_proto::v1;

use super::output::Item;

/// Messages on their way to one stream.
const MESSAGES: usize = 64;
/// And their bytes, beyond the first message.
pub(super) const BYTES: usize = 1 << 20;
/// Errors waiting for the reader. Fatal ones come once, others once a cause.
const ERRORS: usize = 64;

/// Something for a stream that reads.
#[derive(Clone, Debug)]
pub(crate) enum Passage {
    /// Output, or the error that ended the simulation.
    Output(Item),
    /// Messages that a slow watcher missed.
    Missed(u64),
    /// Input, for a watcher.
    Events(v1::EventBatch),
    /// A probe's values, for a watcher.
    Probe(v1::ProbeValues),
}

impl Passage {
    /// What it takes in memory \[bytes\], about.
    fn bytes(&self) -> usize {
        let more = match self {
            Self::Output(item) => item.bytes(),
            Self::Events(batch) => batch.payload.len(),
            Self::Probe(read) => read.values.len() * size_of::<f64>(),
            Self::Missed(_) => 0,
        };
        size_of::<Self>() + more
    }
}

/// Why a stream ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) reason: v1::EndReason,
    pub(crate) message: String,
}

/// The queue between the two.
pub(crate) struct Outlet {
    queue: ArrayQueue<Passage>,
    bytes: AtomicUsize,
    errors: ArrayQueue<v1::Error>,
    /// Every tick below it is closed and its output was put into the queue.
    moved_to: AtomicU64,
    end: OnceLock<End>,
    /// Messages that a watcher missed and has not been told of in the queue: what a probe found no room
    /// for, and what the end keeps from it.
    missed: AtomicU64,
    /// The reader reports what it received, and has yet to report the last of it.
    held: AtomicBool,
    /// The stream said its last message.
    delivered: AtomicBool,
    /// The stream is there no longer.
    gone: AtomicBool,
    /// The host has more than there was room for.
    wants: AtomicBool,
    reader: AtomicWaker,
    host: Arc<AtomicWaker>,
}

impl Outlet {
    pub(crate) fn new(host: Arc<AtomicWaker>) -> Arc<Self> {
        Arc::new(Self {
            queue: ArrayQueue::new(MESSAGES),
            bytes: AtomicUsize::new(0),
            errors: ArrayQueue::new(ERRORS),
            moved_to: AtomicU64::new(0),
            end: OnceLock::new(),
            missed: AtomicU64::new(0),
            held: AtomicBool::new(false),
            delivered: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            wants: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            host,
        })
    }

    /// Puts a message in; `false` if there is no room: then the host is woken when there is.
    pub(super) fn put(&self, passage: &Passage) -> bool {
        if self.try_put(passage) {
            return true;
        }
        // Ordering: Relaxed store, then the SeqCst fence, which pairs with the one in `take`:
        // either the reader sees `wants`, or this sees the room it made.
        self.wants.store(true, Relaxed);
        fence(SeqCst);
        self.try_put(passage)
    }

    fn try_put(&self, passage: &Passage) -> bool {
        // Ordering: Relaxed. Only one side adds, so the bound holds; the queue orders the rest.
        let (held, bytes) = (self.bytes.load(Relaxed), passage.bytes());
        if held > 0 && held + bytes > BYTES {
            return false;
        }
        self.bytes.fetch_add(bytes, Relaxed);
        let taken = self.queue.push(passage.clone()).is_ok();
        if !taken {
            // Ordering: Relaxed, as above.
            self.bytes.fetch_sub(bytes, Relaxed);
        }
        taken
    }

    /// Whether a message would find room.
    pub(super) fn has_room(&self) -> bool {
        // Ordering: Relaxed, as in `try_put`.
        !self.queue.is_full() && self.bytes.load(Relaxed) < BYTES
    }

    /// Tells the producer. Beyond the bound, errors that end nothing are left out.
    pub(super) fn put_error(&self, error: v1::Error) {
        if error.fatal || self.errors.len() < ERRORS - 1 {
            let _ = self.errors.push(error);
        }
    }

    /// All output below this tick was put in.
    pub(super) fn moved_to(&self, tick: Tick) {
        // Ordering: Release pairs with the Acquire in `complete_to`: the output is in the queue.
        self.moved_to.store(tick.0, Release);
    }

    /// The stream ends once it has taken what is here; the first reason counts.
    pub(super) fn end(&self, reason: v1::EndReason, message: &str) {
        let _ = self.end.set(End { reason, message: message.to_owned() });
        self.reader.wake();
    }

    /// The same, for a reader whose last report is waited for before the stream closes.
    pub(super) fn end_held(&self, reason: v1::EndReason, message: &str) {
        // Ordering: Relaxed. The end that follows carries it: `OnceLock` sets with Release.
        self.held.store(true, Relaxed);
        self.end(reason, message);
    }

    /// The last report came, or none will.
    pub(super) fn release(&self) {
        // Ordering: Relaxed, a flag that guards nothing else; the waker carries it.
        self.held.store(false, Relaxed);
        self.reader.wake();
    }

    /// The stream's side: whether it stays open after its last message.
    pub(super) fn is_held(&self) -> bool {
        // Ordering: Relaxed, as in `release`.
        self.held.load(Relaxed)
    }

    /// The same, for a watcher that has yet to see so many messages.
    pub(super) fn end_missing(&self, messages: u64, reason: v1::EndReason, message: &str) {
        self.miss(messages);
        self.end(reason, message);
    }

    /// A watcher missed so many messages.
    pub(super) fn miss(&self, messages: u64) {
        // Ordering: Relaxed. The end that follows carries it: `OnceLock` sets with Release.
        self.missed.fetch_add(messages, Relaxed);
    }

    /// Tells a watcher in the queue what it missed, if there is room; whether all has been told.
    pub(super) fn tell_missed(&self) -> bool {
        // Ordering: Relaxed, a count of whoever puts messages in.
        let missed = self.missed.load(Relaxed);
        if missed > 0 && !self.put(&Passage::Missed(missed)) {
            return false;
        }
        self.missed.fetch_sub(missed, Relaxed);
        true
    }

    /// What is left to be told at the end; once.
    pub(super) fn missed_at_end(&self) -> u64 {
        // Ordering: Relaxed, read after the end was.
        self.missed.swap(0, Relaxed)
    }

    pub(super) fn has_end(&self) -> bool {
        self.end.get().is_some()
    }

    /// The stream has said everything, its end included.
    pub(super) fn is_delivered(&self) -> bool {
        // Ordering: Acquire pairs with the Release in `deliver`.
        self.delivered.load(Acquire)
    }

    /// The stream is there no longer.
    pub(super) fn is_gone(&self) -> bool {
        // Ordering: Acquire pairs with the Release in `leave`.
        self.gone.load(Acquire)
    }

    pub(super) fn wake(&self) {
        self.reader.wake();
    }

    /// The stream's side: who is to be woken when something comes.
    pub(super) fn reader(&self) -> &AtomicWaker {
        &self.reader
    }

    pub(super) fn take(&self) -> Option<Passage> {
        let passage = self.queue.pop()?;
        // Ordering: Relaxed, as in `try_put`.
        let left = self.bytes.fetch_sub(passage.bytes(), Relaxed) - passage.bytes();
        // Ordering: SeqCst fence pairs with the one in `put`.
        fence(SeqCst);
        let half_empty = self.queue.len() <= MESSAGES / 2 && left <= BYTES / 2;
        // Ordering: Relaxed load after the fence; AcqRel swap so that one take wakes.
        if half_empty && self.wants.load(Relaxed) && self.wants.swap(false, AcqRel) {
            self.host.wake();
        }
        Some(passage)
    }

    pub(super) fn take_error(&self) -> Option<v1::Error> {
        self.errors.pop()
    }

    /// All output below this is in the queue, or was; to be read before the queue is.
    pub(super) fn complete_to(&self) -> Tick {
        // Ordering: Acquire pairs with the Release in `moved_to`.
        Tick(self.moved_to.load(Acquire))
    }

    /// Why the stream ends, if it does; to be read before the queue is.
    pub(super) fn ends(&self) -> Option<&End> {
        self.end.get()
    }

    /// The last message was said.
    pub(super) fn deliver(&self) {
        // Ordering: Release pairs with the Acquire in `is_delivered`.
        self.delivered.store(true, Release);
        self.host.wake();
    }

    /// The stream goes.
    pub(super) fn leave(&self) {
        // Ordering: Release pairs with the Acquire in `is_gone`; the waker carries the rest.
        self.gone.store(true, Release);
        self.host.wake();
    }
}
