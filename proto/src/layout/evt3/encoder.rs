//! From events to EVT3 words: a word for each part of time and place that changes, then the event.
//!
//! Writes no vectors: they pay only for events in row order at equal times, as a sensor's readout
//! gives them.

use super::{KIND_SHIFT, ON, PIXEL_MAX, TIME_BITS, TIME_MASK, kind};
use crate::layout::{
    camera::CameraEvent,
    time_high::{Clock, Refusal},
    words::WordEncodeError,
};

/// Writes one stream; a decoder that reads it from its start gives the same events, times
/// included.
#[derive(Clone, Debug)]
pub struct Encoder {
    clock: Clock<TIME_BITS>,
    /// The last TIME_LOW, since the last TIME_HIGH.
    time_low: Option<u16>,
    row: Option<u16>,
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
        Self { clock: Clock::new(), time_low: None, row: None }
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
            let last_us = self.clock.high() << TIME_BITS;
            self.move_to(t_us, out).map_err(|refusal| match refusal {
                Refusal::Backward => WordEncodeError::Backward { position, t_us, last_us },
                Refusal::Gap => WordEncodeError::Gap { position, t_us, last_us },
            })?;
            if self.row.replace(y) != Some(y) {
                put(kind::ROW, y, out);
            }
            put(kind::EVENT, x | if on { ON } else { 0 }, out);
        }
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "the parts of time are masked to 12 bits")]
    fn move_to(&mut self, t_us: u64, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let time_low = t_us as u16 & TIME_MASK;
        self.clock.advance(t_us >> TIME_BITS, |high| {
            put(kind::TIME_HIGH, high as u16, out);
            // As sensors do, each is followed by a TIME_LOW: some readers begin with 0, as ours does, and
            // evlib (0.13) with the one before.
            self.time_low = None;
        })?;
        if self.time_low.replace(time_low) != Some(time_low) {
            put(kind::TIME_LOW, time_low, out);
        }
        Ok(())
    }
}

fn put(kind: u16, fields: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(&(kind << KIND_SHIFT | fields).to_le_bytes());
}
