//! How far a worker has come: one atomic that it alone writes.
//!
//! A clock of `c` promises that everything its worker emitted at ticks below `c` has been pushed
//! into the rings. Who reads it and then drains a ring finds all of it there.

use std::sync::atomic::Ordering::*;

use crossbeam_utils::CachePadded;

use crate::sync::AtomicU64;

pub(crate) struct Clock(CachePadded<AtomicU64>);

impl Clock {
    pub(crate) fn new() -> Self {
        Self(CachePadded::new(AtomicU64::new(0)))
    }

    /// Sets the clock. Its worker alone may do that.
    #[inline]
    pub(crate) fn publish(&self, tick: u64) {
        // Release: pairs with the Acquire in `read`; all that was pushed before is found after.
        self.0.store(tick, Release);
    }

    /// What the worker promises.
    #[inline]
    pub(crate) fn read(&self) -> u64 {
        // Acquire: pairs with the Release in `publish`. Everything that was pushed before the
        // promise is found by a drain that comes after this.
        self.0.load(Acquire)
    }
}
