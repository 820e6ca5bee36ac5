//! Waiting: look again for a while, then announce it, look once more, and park.
//!
//! No wake-up is lost, because each side writes first and reads second, with a sequentially
//! consistent fence between: the sleeper its announcement and then what it waits for, the waker
//! what is waited for (a clock, an item, a vacant slot) and then the announcement. In the one order
//! of the fences either the sleeper's comes first, and the waker reads the announcement and rings,
//! or the waker's does, and the sleeper finds what it waits for and stays awake. (Dekker's
//! argument. A load that follows a fence misses no store that precedes an earlier fence.)
//!
//! A ring of the bell leaves a token, so one that comes before its worker parks isn't lost; one
//! that is left over costs a look in vain.
//!
//! (`track_caller` is for `sim-core/models`, which takes away one fence or ring at a time.)

use std::sync::atomic::Ordering::*;

use crossbeam_utils::CachePadded;

use crate::sync::{AtomicUsize, Parker, SPINS, Unparker, YIELDS, fence, spin_loop, yield_now};

const NOBODY: usize = usize::MAX;

/// What the others know of a worker's sleep.
pub(crate) struct Doorbell {
    /// The worker that this one is asleep for, or about to be; written by the sleeper alone.
    waits_for: CachePadded<AtomicUsize>,
    unparker: Unparker,
}

impl Doorbell {
    pub(crate) fn new() -> (Self, Parker) {
        let parker = Parker::new();
        let waits_for = CachePadded::new(AtomicUsize::new(NOBODY));
        (Self { waits_for, unparker: parker.unparker().clone() }, parker)
    }

    /// Tells that its worker is about to park until `other` has done something. What it waits for
    /// is to be looked at once more between this and parking.
    pub(crate) fn announce(&self, other: usize) {
        // Relaxed: the fence orders it.
        self.waits_for.store(other, Relaxed);
        // Pairs with `before_ringing`: the look after this, or the waker's at the announcement,
        // sees the other side's store.
        fence(SeqCst);
    }

    pub(crate) fn withdraw(&self) {
        // Relaxed: who reads an announcement that no longer holds rings in vain.
        self.waits_for.store(NOBODY, Relaxed);
    }

    /// Wakes its worker if that waits for `me`. Comes after [`before_ringing`].
    #[inline]
    #[track_caller]
    pub(crate) fn ring_if_for(&self, me: usize) {
        // Relaxed: the fence orders it.
        if self.waits_for.load(Relaxed) == me {
            self.ring();
        }
    }

    /// Wakes its worker whomever it waits for. Comes after [`before_ringing`].
    #[track_caller]
    pub(crate) fn ring_if_asleep(&self) {
        // Relaxed: the fence orders it.
        if self.waits_for.load(Relaxed) != NOBODY {
            self.ring();
        }
    }

    #[cold]
    #[track_caller]
    pub(crate) fn ring(&self) {
        self.unparker.unpark();
    }
}

/// Stands between what others may be waiting for and the looks at their announcements: one fence
/// for any number of bells.
#[inline]
#[track_caller]
pub(crate) fn before_ringing() {
    // Pairs with the fence in `announce`.
    fence(SeqCst);
}

/// How often a worker has looked in vain.
#[derive(Debug, Default)]
pub(crate) struct Patience(u32);

impl Patience {
    /// Lets a moment pass before the next look; false when it is time to park instead.
    pub(crate) fn holds(&mut self) -> bool {
        match self.0 {
            looks if looks < SPINS => spin_loop(),
            looks if looks < SPINS + YIELDS => yield_now(),
            _ => return false,
        }
        self.0 += 1;
        true
    }
}
