//! Asks the processor to fetch memory that will be read soon. Only ever a matter of time.
#![expect(unsafe_code, reason = "prefetching takes an address; no safe function offers it")]

/// Elements of a cache line.
const LINE: usize = 8;
/// Lines after which the processor goes on by itself.
const LINES: usize = 12;

/// Asks for the beginning of what is about to be read, of 64-bit words.
#[inline]
pub(crate) fn begin(words: &[u64]) {
    for line in words.chunks(LINE).take(LINES) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a prefetch is a hint: it never faults and touches no memory of the program, and
        // the address is that of an element of a slice.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = line;
    }
}
