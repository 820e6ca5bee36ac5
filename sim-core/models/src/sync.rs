//! The platform as loom models it, under the names of sim-core's `sync`.
//!
//! Loom joins at a fence of `SeqCst` all that came before earlier ones, which is a little more than
//! C++ promises: a plain access whose only order comes from such fences would pass. None has:
//! slots are ordered by the indices, and each of these pairs is weakened on its own.

use std::{
    cell::Cell,
    panic::Location,
    sync::atomic::Ordering::{self, *},
};

// Without atomics of loom's: references are counted, but nothing is ordered by counting them.
pub(crate) use std::sync::Arc;

pub(crate) use loom::{hint::spin_loop, thread::yield_now};

use crate::mutants::{Instead, is_chosen, ordering};

/// No rounds of looking again: a worker that looks in vain parks at once, which leaves loom the
/// shortest loops. Looking again more often opens no new way to get stuck.
pub(crate) const SPINS: u32 = 0;
pub(crate) const YIELDS: u32 = 0;

/// An atomic of loom's whose accesses know their place.
macro_rules! atomic {
    ($name:ident, $value:ty) => {
        pub(crate) struct $name(loom::sync::atomic::$name);

        impl $name {
            pub(crate) fn new(value: $value) -> Self {
                Self(loom::sync::atomic::$name::new(value))
            }

            #[track_caller]
            pub(crate) fn load(&self, written: Ordering) -> $value {
                self.0.load(ordering(written, Location::caller()))
            }

            #[track_caller]
            pub(crate) fn store(&self, value: $value, written: Ordering) {
                self.0.store(value, ordering(written, Location::caller()));
            }
        }
    };
}
atomic!(AtomicBool, bool);
atomic!(AtomicU64, u64);
atomic!(AtomicUsize, usize);

#[track_caller]
pub(crate) fn fence(written: Ordering) {
    let place = Location::caller();
    if is_chosen(Instead::Nothing, place) {
        return;
    }
    let weakened = is_chosen(Instead::AcqRel, place);
    loom::sync::atomic::fence(if weakened { AcqRel } else { written });
}

/// crossbeam's parker: a token that a bell leaves and a sleeper takes.
pub(crate) struct Parker(Unparker);

#[derive(Clone)]
pub(crate) struct Unparker(Arc<loom::sync::Notify>);

impl Parker {
    pub(crate) fn new() -> Self {
        Self(Unparker(Arc::new(loom::sync::Notify::new())))
    }

    pub(crate) fn unparker(&self) -> &Unparker {
        &self.0
    }

    pub(crate) fn park(&self) {
        self.0.0.wait();
    }
}

impl Unparker {
    #[track_caller]
    pub(crate) fn unpark(&self) {
        if !is_chosen(Instead::Nothing, Location::caller()) {
            self.0.notify();
        }
    }
}

/// Loom's cell: it fails a model in which two threads may be at it at once.
pub(crate) struct UnsafeCell<T>(loom::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::cell::UnsafeCell::new(value))
    }

    pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        self.0.with(read)
    }

    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        self.0.with_mut(write)
    }
}

loom::thread_local! {
    static PANICKING: Cell<bool> = Cell::new(false);
}

/// Makes this thread of a model look as if it panicked.
pub(crate) fn pretend_to_panic() {
    PANICKING.with(|panicking| panicking.set(true));
}

/// Whether this thread pretends to. A real panic is a failed model, whose threads loom takes down
/// without being there for them any more.
pub(crate) fn panicking() -> bool {
    !std::thread::panicking() && PANICKING.with(Cell::get)
}
