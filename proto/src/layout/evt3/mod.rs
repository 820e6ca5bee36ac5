//! EVT3, the 16-bit little-endian words of Prophesee sensors, where each word changes one thing.
//!
//! | type, 15..12 | word | what it does |
//! |--------------|------|--------------|
//! | 0x0 | row            | y = 10..0 |
//! | 0x2 | event          | x = 10..0, ON = 11: one event |
//! | 0x3 | vector base    | base = 10..0, ON = 11 |
//! | 0x4 | vector of 12   | an event at base + k for every set bit k of 11..0; base += 12 |
//! | 0x5 | vector of 8    | the same for 7..0; base += 8 |
//! | 0x6 | TIME_LOW       | bits 11..0 of time = 11..0 |
//! | 0x8 | TIME_HIGH      | bits 23..12 of time = 11..0; if they change, TIME_LOW is 0 |
//! | 0xA | external trigger | |
//! | 0x7, 0xE, 0xF | continued, other, continued | |
//!
//! Time is in µs and wraps every 2^24 of them (16.8 s). A TIME_LOW that goes down is no wrap. All
//! other types are reserved and skipped: some cameras pad with them.

mod decoder;
mod encoder;
mod machine;
#[cfg(test)]
mod tests;

pub use decoder::{Decoder, STATE_BYTES};
pub use encoder::Encoder;

const WORD_BYTES: usize = 2;
const KIND_SHIFT: u32 = 12;
const TIME_BITS: u32 = 12;
const TIME_MASK: u16 = (1 << TIME_BITS) - 1;
const PIXEL_BITS: u32 = 11;
const PIXEL_MAX: u16 = (1 << PIXEL_BITS) - 1;
const ON: u16 = 1 << PIXEL_BITS;

/// The kinds of words, as their topmost four bits.
mod kind {
    pub(super) const ROW: u16 = 0x0;
    pub(super) const EVENT: u16 = 0x2;
    pub(super) const VECTOR_BASE: u16 = 0x3;
    pub(super) const VECTOR_12: u16 = 0x4;
    pub(super) const VECTOR_8: u16 = 0x5;
    pub(super) const TIME_LOW: u16 = 0x6;
    pub(super) const CONTINUED_4: u16 = 0x7;
    pub(super) const TIME_HIGH: u16 = 0x8;
    pub(super) const TRIGGER: u16 = 0xA;
    pub(super) const OTHER: u16 = 0xE;
    pub(super) const CONTINUED_12: u16 = 0xF;
}
