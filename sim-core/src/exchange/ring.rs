//! Bounded ring from one producer to one consumer, without locks.
//!
//! `head` counts what was taken, `tail` what was put in; both only rise (and wrap around), and
//! item `i` lies in slot `i % capacity`. Invariant: `tail - head <= capacity`. Slots in
//! `head..tail` are initialised and belong to the consumer, the others are vacant and belong to
//! the producer. Each side moves its own index alone and remembers what it last saw of the other's,
//! so that a side that isn't at its limit touches no cache line that the other side writes to.

#![expect(unsafe_code, reason = "slots change hands by the indices, which no type can express")]

use std::{fmt, mem::MaybeUninit, sync::atomic::Ordering::*};

use crossbeam_utils::CachePadded;

use crate::sync::{Arc, AtomicUsize, UnsafeCell};

/// The two halves of a ring for so many items, a power of two.
pub(crate) fn ring<T: Copy + Send>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    // Slot numbers are taken by masking.
    assert!(capacity.is_power_of_two(), "the capacity of a ring is a power of two");
    let slots = (0..capacity).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect();
    let ring = Arc::new(Ring {
        head: CachePadded::new(AtomicUsize::new(0)),
        tail: CachePadded::new(AtomicUsize::new(0)),
        slots,
    });
    let producer = Producer { ring: Arc::clone(&ring), tail: 0, head_seen: 0 };
    (producer, Consumer { ring, head: 0 })
}

struct Ring<T> {
    /// Written by the consumer alone.
    head: CachePadded<AtomicUsize>,
    /// Written by the producer alone.
    tail: CachePadded<AtomicUsize>,
    slots: Box<[UnsafeCell<MaybeUninit<T>>]>,
}

// SAFETY: a slot is touched by the side that owns it alone, by the invariant above, which the two
// halves keep: neither can be cloned, and both need `&mut self` to move their index.
unsafe impl<T: Copy + Send> Sync for Ring<T> {}

impl<T> Ring<T> {
    fn slot(&self, index: usize) -> &UnsafeCell<MaybeUninit<T>> {
        &self.slots[index & (self.slots.len() - 1)]
    }
}

/// The half that puts items in.
pub(crate) struct Producer<T> {
    ring: Arc<Ring<T>>,
    /// The ring's own `tail`, which nobody else writes to.
    tail: usize,
    /// At most the ring's `head`.
    head_seen: usize,
}

/// There is no vacant slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl<T: Copy + Send> Producer<T> {
    #[inline]
    pub(crate) fn push(&mut self, item: T) -> Result<(), Full> {
        if self.is_full() {
            return Err(Full);
        }
        self.ring.slot(self.tail).with_mut(|slot| {
            // SAFETY: `tail - head < capacity`, so slot `tail` is vacant, vacant slots belong to
            // the producer, and `&mut self` makes this the only push.
            unsafe { slot.write(MaybeUninit::new(item)) }
        });
        self.tail = self.tail.wrapping_add(1);
        // Release: pairs with the Acquire of `tail` in `drain`, so that whoever sees the item
        // counted finds it written.
        self.ring.tail.store(self.tail, Release);
        Ok(())
    }

    #[inline]
    pub(crate) fn is_full(&mut self) -> bool {
        if self.tail.wrapping_sub(self.head_seen) < self.ring.slots.len() {
            return false;
        }
        // Acquire: pairs with the Release of `head` in `drain`, so that a slot that counts as
        // vacant has been read before it is written to again.
        self.head_seen = self.ring.head.load(Acquire);
        self.tail.wrapping_sub(self.head_seen) == self.ring.slots.len()
    }
}

/// The half that takes items out.
pub(crate) struct Consumer<T> {
    ring: Arc<Ring<T>>,
    /// The ring's own `head`, which nobody else writes to.
    head: usize,
}

impl<T: Copy + Send> Consumer<T> {
    /// Takes all that has been put in, in order; how many that were.
    #[inline]
    pub(crate) fn drain(&mut self, mut each: impl FnMut(T)) -> usize {
        // Acquire: pairs with the Release of `tail` in `push`, so that what is counted is written.
        let tail = self.ring.tail.load(Acquire);
        let count = tail.wrapping_sub(self.head);
        if count == 0 {
            return 0;
        }
        while self.head != tail {
            let item = self.ring.slot(self.head).with(|slot| {
                // SAFETY: `head < tail`, so slot `head` is initialised and belongs to the
                // consumer, and `&mut self` makes this the only drain. Items are `Copy`, so one
                // that is left behind, here or in a ring that is dropped, needs no care.
                unsafe { slot.cast::<T>().read() }
            });
            each(item);
            self.head = self.head.wrapping_add(1);
        }
        // Release: pairs with the Acquire of `head` in `is_full`, so that the slots have been
        // read when the producer finds them vacant.
        self.ring.head.store(self.head, Release);
        count
    }

    /// Whether there was nothing to take when last looked.
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: no slot is read for it. Who must not miss an item fences before asking.
        self.ring.tail.load(Relaxed) == self.head
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Producer").field("tail", &self.tail).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Consumer").field("head", &self.head).finish_non_exhaustive()
    }
}
