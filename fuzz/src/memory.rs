//! An allocator that counts what each thread holds, so that tests beside it don't disturb.
//!
//! What one thread takes and another gives back counts for the first; targets keep to one thread.
#![expect(unsafe_code, reason = "an allocator that counts")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// The system's allocator, counted.
///
/// ```
/// # use spiked_fuzz::Counting;
/// #[global_allocator]
/// static MEMORY: Counting = Counting;
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Counting;

// Without destructors, so that the allocator may use them at any time of a thread's life.
thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn took(bytes: usize) {
    let held = HELD.get().wrapping_add_unsigned(bytes);
    HELD.set(held);
    PEAK.set(PEAK.get().max(held));
}

fn gave(bytes: usize) {
    HELD.set(HELD.get().wrapping_sub_unsigned(bytes));
}

// SAFETY: the system's allocator does the work, with the layouts that it is given.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        gave(layout.size());
        took(size);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        gave(layout.size());
        // SAFETY: it came from the system's allocator.
        unsafe { System.dealloc(at, layout) }
    }
}

/// Runs something and says how many bytes this thread held at most meanwhile, beyond what it held
/// before. 0 without the allocator.
pub(crate) fn peak<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    PEAK.set(before);
    let result = run();
    (result, usize::try_from(PEAK.get().wrapping_sub(before)).unwrap_or_default())
}

/// Whether this process counts at all.
pub(crate) fn counts() -> bool {
    peak(|| drop(std::hint::black_box(vec![0_u8; 4_096]))).1 >= 4_096
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static MEMORY: Counting = Counting;

    #[test]
    fn the_most_that_was_held_at_once_is_counted() {
        assert!(counts());
        let ((), bytes) = peak(|| {
            for _ in 0..10 {
                drop(std::hint::black_box(vec![1_u8; 1_000]));
            }
            let mut grown = std::hint::black_box(vec![0_u8; 10]);
            grown.resize(5_000, 1);
        });
        assert!((5_000..11_000).contains(&bytes), "{bytes}");
    }
}
