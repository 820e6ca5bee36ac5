//! Where a session's engine is while no thread runs it.
//!
//! The engine is in exactly one of three places: in this slot (`PARKED`), in the pool's run queue
//! (`QUEUED`), or with the thread that runs it (`RUNNING`, or `WOKEN` when something happened in
//! the meantime and it must run once more). Whoever moves `PARKED` to `QUEUED` owns it and must
//! put it into the run queue, so it is never in two places and no wake-up is lost.

use std::sync::atomic::{
    AtomicU8,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

use crossbeam::queue::ArrayQueue;

const PARKED: u8 = 0;
const QUEUED: u8 = 1;
const RUNNING: u8 = 2;
const WOKEN: u8 = 3;

/// A one-slot parking place.
pub(crate) struct Place<T> {
    state: AtomicU8,
    slot: ArrayQueue<T>,
}

impl<T> Place<T> {
    /// A place whose engine is on its way into the run queue.
    pub(crate) fn queued() -> Self {
        Self { state: AtomicU8::new(QUEUED), slot: ArrayQueue::new(1) }
    }

    /// Something happened. If the engine comes back, the caller must queue it.
    pub(crate) fn wake(&self) -> Option<T> {
        // Ordering: Release pairs with the Acquire in `begin` and with the one in `park`: a run
        // that starts after this sees what was put into its queues before. Acquire pairs with the
        // Release in `park`: the engine is in the slot before it counts as parked.
        let woken = self.state.fetch_update(AcqRel, Acquire, |state| match state {
            PARKED => Some(QUEUED),
            RUNNING => Some(WOKEN),
            // The write is needed even where the value stays: it is what the next run acquires.
            unchanged => Some(unchanged),
        });
        if woken != Ok(PARKED) {
            return None;
        }
        let engine = self.slot.pop();
        debug_assert!(engine.is_some(), "a parked engine is in the slot");
        engine
    }

    /// A thread took the engine from the run queue and is about to run it.
    pub(crate) fn begin(&self) {
        // Ordering: Acquire pairs with the Release of every `wake` before.
        self.state.swap(RUNNING, Acquire);
    }

    /// The engine goes back into the run queue.
    pub(crate) fn requeue(&self) {
        // Ordering: Relaxed would lose nothing that `begin` does not acquire again; a `wake` that
        // this overwrites was in time for the run that is queued here.
        self.state.swap(QUEUED, AcqRel);
    }

    /// The engine has nothing to do. If it comes back it was woken: the caller must queue it.
    pub(crate) fn park(&self, engine: T) -> Option<T> {
        let refused = self.slot.push(engine);
        debug_assert!(refused.is_ok(), "the engine is in one place only, so the slot is vacant");
        // Ordering: Release pairs with the Acquire in `wake`: the engine is in the slot before
        // anybody looks for it there. On failure Relaxed: `begin` acquires before the next run.
        let parked = self.state.compare_exchange(RUNNING, PARKED, Release, Relaxed);
        if parked.is_ok() {
            return None;
        }
        // Ordering: as in `requeue`. Nobody else touches the slot while the state is not PARKED.
        self.state.swap(QUEUED, AcqRel);
        self.slot.pop()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering::SeqCst},
        },
        thread,
    };

    use super::*;

    #[test]
    fn a_parked_engine_comes_back_to_exactly_one_waker() {
        let place = Place::queued();
        place.begin();
        assert_eq!(place.park(7), None);
        assert_eq!(place.wake(), Some(7));
        assert_eq!(place.wake(), None);
    }

    #[test]
    fn a_wake_during_a_run_is_not_lost() {
        let place = Place::queued();
        place.begin();
        assert_eq!(place.wake(), None);
        assert_eq!(place.park(7), Some(7));
    }

    /// What was added before a wake is seen by a later run. The waker goes on only once its
    /// addition was seen, so a wake-up that is lost stays lost; the runner dawdles before it
    /// parks, so that wakes fall into every moment. Seen to fail with `WOKEN` replaced by
    /// `RUNNING` in `wake`.
    #[test]
    fn every_addition_is_seen_whatever_the_timing() {
        const ADDITIONS: u64 = 50_000;
        let place = Arc::new(Place::queued());
        let (added, seen) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let queue = Arc::new(ArrayQueue::new(1));
        queue.push(()).unwrap();
        let waker = {
            let (place, queue) = (place.clone(), queue.clone());
            let (added, seen) = (added.clone(), seen.clone());
            thread::spawn(move || {
                for addition in 1..=ADDITIONS {
                    added.store(addition, SeqCst);
                    if let Some(engine) = place.wake() {
                        queue.push(engine).expect("the engine is in one place only");
                    }
                    if !reaches(&seen, addition) {
                        // Lets the runner end, so that the test fails and does not hang.
                        seen.store(u64::MAX, SeqCst);
                        return Err(addition);
                    }
                }
                Ok(())
            })
        };
        while seen.load(SeqCst) < ADDITIONS {
            let Some(engine) = queue.pop() else {
                thread::yield_now();
                continue;
            };
            place.begin();
            let now = added.load(SeqCst);
            seen.fetch_max(now, SeqCst);
            for _ in 0..now % 64 {
                std::hint::spin_loop();
            }
            if let Some(engine) = place.park(engine) {
                queue.push(engine).expect("the engine is in one place only");
            }
        }
        assert_eq!(waker.join().unwrap(), Ok(()), "an addition was never seen");
    }

    /// Waits for a number, by looking rather than by the clock.
    fn reaches(seen: &AtomicU64, wanted: u64) -> bool {
        (0..20_000_000_u32).any(|look| {
            if look % 1_024 == 1_023 {
                thread::yield_now();
            }
            std::hint::spin_loop();
            seen.load(SeqCst) >= wanted
        })
    }
}
