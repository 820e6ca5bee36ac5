//! What the exchange takes from the platform: the one switch between threads and their model.
//!
//! The files of `exchange` are compiled twice: here, against std, and in `sim-core/models`, whose
//! own `crate::sync` offers the same names and takes them from loom. The tested files are the
//! shipped files.

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, fence},
};
pub(crate) use std::thread::{panicking, yield_now};

/// Parks a thread until its other half is told to wake it, with a token like `std::thread::park`;
/// unlike that it belongs to no thread, so that a worker may change threads between segments.
pub(crate) use crossbeam_utils::sync::{Parker, Unparker};

/// Rounds of looking again with the processor kept: about 15 µs. Of 256 to 4 096, `workloads brunel`
/// on two threads was the fastest with 1 024 where each had a core, and twice as many made it a tenth
/// slower where both shared one.
pub(crate) const SPINS: u32 = 1024;
/// Rounds of looking again after giving the processor away, before a worker parks.
pub(crate) const YIELDS: u32 = 8;

/// `std::cell::UnsafeCell` in the shape that loom checks: an access has a beginning and an end.
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[inline]
    pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    #[inline]
    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}
