//! How much a connection reads in one go, before others on the I/O thread have their turn.
//!
//! HTTP/2's library reads on for as long as there is anything, and what there is are the windows of all
//! its streams: megabytes, which a quiet connection would wait for.

use std::task::{Context, Poll};

/// Frames of events. HTTP/2's library ends a connection with some 2 000 small ones unread.
const FRAMES: u32 = 256;
/// \[bytes\] A busy client's batch or two. With 64 busy sessions over eight connections a quiet one waited
/// 33 to 83 ms at p99 without this, 21 to 23 ms with twice as many, 13 to 16 ms with these; half of
/// them are no better, and throughput is the same with all.
const BYTES: usize = 32 << 10;

/// What was read since the connection last waited.
#[derive(Debug, Default)]
pub(super) struct Turn {
    frames: u32,
    bytes: usize,
}

impl Turn {
    pub(super) fn read_bytes(&mut self, count: usize) {
        self.bytes += count;
    }

    pub(super) fn read_frame(&mut self) {
        self.frames += 1;
    }

    /// The connection waits for more to come.
    pub(super) fn rest(&mut self) {
        *self = Self::default();
    }

    /// Ready for as long as the turn lasts; then others get theirs.
    pub(super) fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        if self.frames < FRAMES && self.bytes < BYTES {
            return Poll::Ready(());
        }
        self.rest();
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering::Relaxed},
        },
        task::{Wake, Waker},
    };

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicU32);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    /// How often it could read before it had to let others go first, and that it is polled again then.
    fn reads(mut read: impl FnMut(&mut Turn)) -> usize {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let context = Context::from_waker(&waker);
        let mut turn = Turn::default();
        let mut count = 0;
        while turn.poll(&context).is_ready() {
            read(&mut turn);
            count += 1;
        }
        assert_eq!(wakes.0.load(Relaxed), 1, "woken once for the next turn");
        assert!(turn.poll(&context).is_ready(), "the next turn begins anew");
        count
    }

    #[test]
    fn a_turn_ends_with_bytes_or_with_frames() {
        assert_eq!(reads(|turn| turn.read_bytes(8 << 10)), 4);
        assert_eq!(reads(|turn| turn.read_bytes(1 << 20)), 1);
        let small = |turn: &mut Turn| {
            turn.read_bytes(20);
            turn.read_frame();
        };
        assert_eq!(reads(small), 256);
    }

    #[test]
    fn one_that_waits_in_between_is_never_sent_away() {
        let context = Context::from_waker(Waker::noop());
        let mut turn = Turn::default();
        for _ in 0..1_000 {
            assert!(turn.poll(&context).is_ready());
            turn.read_bytes(30 << 10);
            turn.rest();
        }
    }
}
