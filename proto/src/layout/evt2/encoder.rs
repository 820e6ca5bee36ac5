//! From events to EVT2 words: a TIME_HIGH whenever its part of time changes, then the event.

use super::{PIXEL_BITS, PIXEL_MAX, TIME_HIGH_BITS, TIME_LOW_BITS, kind};
use crate::layout::{
    camera::CameraEvent,
    time_high::{Clock, Refusal},
    words::WordEncodeError,
};

/// Writes one stream; a decoder that reads it from its start gives the same events, times
/// included.
#[derive(Clone, Debug)]
pub struct Encoder {
    clock: Clock<TIME_HIGH_BITS>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An encoder at the start of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self { clock: Clock::new() }
    }

    /// Appends the words of further events.
    ///
    /// # Errors
    ///
    /// The first event that these words cannot carry; those before it have been written.
    pub fn encode(
        &mut self,
        events: &[CameraEvent],
        out: &mut Vec<u8>,
    ) -> Result<(), WordEncodeError> {
        for (position, &CameraEvent { t_us, x, y, on }) in events.iter().enumerate() {
            if x > PIXEL_MAX || y > PIXEL_MAX {
                return Err(WordEncodeError::PixelTooLarge { position, x, y });
            }
            let last_us = self.clock.high() << TIME_LOW_BITS;
            let moved = self.clock.advance(t_us >> TIME_LOW_BITS, |high| {
                put(kind::TIME_HIGH, high, out);
            });
            moved.map_err(|refusal| match refusal {
                Refusal::Backward => WordEncodeError::Backward { position, t_us, last_us },
                Refusal::Gap => WordEncodeError::Gap { position, t_us, last_us },
            })?;
            let time_low = t_us & ((1 << TIME_LOW_BITS) - 1);
            let fields = time_low << (2 * PIXEL_BITS) | u64::from(x) << PIXEL_BITS | u64::from(y);
            put(if on { kind::ON } else { kind::OFF }, fields, out);
        }
        Ok(())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the fields are below 28 bits")]
fn put(kind: u32, fields: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&(kind << TIME_HIGH_BITS | fields as u32).to_le_bytes());
}
