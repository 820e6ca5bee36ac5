//! EVT2, the 32-bit little-endian words of Prophesee sensors of the third and fourth generation.
//!
//! | type, 31..28 | word | 27..22 | 21..11 | 10..0 |
//! |--------------|------|--------|--------|-------|
//! | 0x0, 0x1     | event OFF, ON | low 6 bits of time | x | y |
//! | 0x8          | TIME_HIGH | the 28 bits of time above these, from bit 27 down | | |
//! | 0xA          | external trigger | | | |
//! | 0xD, 0xE, 0xF | inertial sensor, other, continued | | | |
//!
//! Time is in µs and wraps after 2^34 of them (4.8 hours). All other types are reserved and
//! skipped. A stream may be cut at any byte; at most one event comes from four bytes.

mod decoder;
mod encoder;
#[cfg(test)]
mod tests;

pub use decoder::{Decoder, STATE_BYTES};
pub use encoder::Encoder;

const WORD_BYTES: usize = 4;
const TIME_LOW_BITS: u32 = 6;
const TIME_HIGH_BITS: u32 = 28;
const PIXEL_BITS: u32 = 11;
const PIXEL_MAX: u16 = (1 << PIXEL_BITS) - 1;

/// The kinds of words, as their topmost four bits.
mod kind {
    pub(super) const OFF: u32 = 0x0;
    pub(super) const ON: u32 = 0x1;
    pub(super) const TIME_HIGH: u32 = 0x8;
    pub(super) const TRIGGER: u32 = 0xA;
    pub(super) const INERTIAL: u32 = 0xD;
    pub(super) const OTHER: u32 = 0xE;
    pub(super) const CONTINUED: u32 = 0xF;
}
