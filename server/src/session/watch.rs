//! Watchers: anybody may read a session's output without slowing it.
//!
//! Each watcher has a bounded queue of its own; the engine puts a cheap copy of each message into
//! it and goes on. What finds the queue full is counted, and the watcher is told how much it missed
//! before it sees more.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    task::{Context, Poll},
};

use crossbeam::queue::ArrayQueue;
use futures::{Stream, task::AtomicWaker};
use spiked_proto::v1::{self, stream_response::Message as Made, watch_session_response::Message};

use super::link::{Link, Over};

/// Messages that a watcher may fall behind.
const MESSAGES: usize = 256;
/// Watchers of one session: each costs the engine a little on every message.
pub(super) const WATCHERS_MAX: u32 = 64;

/// The engine's end of one watcher.
pub(crate) struct Watcher {
    queue: ArrayQueue<Arc<Made>>,
    /// Messages missed since the watcher was last told.
    missed: AtomicU64,
    waker: AtomicWaker,
    gone: AtomicBool,
}

impl Watcher {
    /// Shows a message; never waits.
    pub(super) fn show(&self, message: &Arc<Made>) {
        // While there is a gap to report, nothing may be queued behind it.
        // Ordering: Relaxed load, for only this side sets it from zero.
        let behind = self.missed.load(Relaxed) > 0;
        if behind || self.queue.push(message.clone()).is_err() {
            // Ordering: Release pairs with the Acquire in `Watching::poll_next`.
            self.missed.fetch_add(1, Release);
        }
        self.waker.wake();
    }

    pub(super) fn is_gone(&self) -> bool {
        // Ordering: Acquire pairs with the Release in `drop`.
        self.gone.load(Acquire)
    }

    pub(super) fn wake(&self) {
        self.waker.wake();
    }
}

/// The reading end: a stream of messages.
pub(crate) struct Watching {
    link: Arc<Link>,
    watcher: Arc<Watcher>,
    opened: Option<Box<v1::Opened>>,
    ended: bool,
}

impl Watching {
    /// Watches from the next output on. `None` when too many watch already.
    pub(crate) fn new(link: Arc<Link>, opened: v1::Opened) -> Option<Self> {
        // Ordering: Relaxed, a count that guards nothing but itself.
        if link.watchers.fetch_add(1, Relaxed) >= WATCHERS_MAX {
            link.watchers.fetch_sub(1, Relaxed);
            return None;
        }
        let watcher = Arc::new(Watcher {
            queue: ArrayQueue::new(MESSAGES),
            missed: AtomicU64::new(0),
            waker: AtomicWaker::new(),
            gone: AtomicBool::new(false),
        });
        if link.watch_requests.push(watcher.clone()).is_err() {
            link.watchers.fetch_sub(1, Relaxed);
            return None;
        }
        link.wake_engine();
        Some(Self { link, watcher, opened: Some(Box::new(opened)), ended: false })
    }

    fn ended(&self, over: &Over) -> v1::Ended {
        let (reason, message) = match over {
            Over::Finished(reason) => (*reason, String::new()),
            Over::Ended(reason, message) => (*reason, message.clone()),
        };
        let closed = self.link.simulated.closed();
        v1::Ended {
            reason: reason.into(),
            message,
            r#final: Some(self.link.acknowledgement(closed)),
            output_position: self.link.simulated.output(),
        }
    }
}

impl Stream for Watching {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message>> {
        if let Some(opened) = self.opened.take() {
            return Poll::Ready(Some(Message::Opened(*opened)));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        self.watcher.waker.register(context.waker());
        let over = self.link.over().cloned();
        if let Some(made) = self.watcher.queue.pop() {
            self.ended = matches!(*made, Made::Ended(_));
            return Poll::Ready(shown(Arc::unwrap_or_clone(made)));
        }
        // Ordering: Acquire pairs with the Release in `show`.
        let missed = self.watcher.missed.swap(0, Acquire);
        if missed > 0 {
            return Poll::Ready(Some(Message::Missed(v1::Missed { messages: missed })));
        }
        let Some(over) = over else {
            return Poll::Pending;
        };
        self.ended = true;
        Poll::Ready(Some(Message::Ended(self.ended(&over))))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // Ordering: Release pairs with the Acquire in `is_gone`.
        self.watcher.gone.store(true, Release);
        // Ordering: Relaxed, a figure.
        self.link.watchers.fetch_sub(1, Relaxed);
        self.link.wake_engine();
    }
}

fn shown(made: Made) -> Option<Message> {
    match made {
        Made::Spikes(spikes) => Some(Message::Spikes(spikes)),
        Made::Decision(decision) => Some(Message::Decision(decision)),
        Made::Value(value) => Some(Message::Value(value)),
        Made::Ended(ended) => Some(Message::Ended(ended)),
        Made::Opened(_) | Made::Acknowledgement(_) | Made::Error(_) => None,
    }
}
