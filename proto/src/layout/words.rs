//! What the decoders of a sensor's own words count, and what its encoders refuse.
//!
//! Everything that leaves no event leaves a count: nothing is lost in silence.

use thiserror::Error;

/// What became of the words that a decoder has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WordCounts {
    /// Events given out.
    pub events: u64,
    /// Events dropped because their time or place was not known yet: before the first TIME_HIGH,
    /// and in EVT3 before the first row.
    pub unplaced: u64,
    /// Events dropped because their pixel is not on the sensor.
    pub outside: u64,
    /// External triggers, which are no camera events.
    pub triggers: u64,
    /// Words of other known kinds that carry no event: monitoring, inertial sensor, continued.
    pub other: u64,
    /// Words of reserved kinds, which some cameras use as padding.
    pub unknown: u64,
    /// TIME_HIGH words that step back by less than half the range: late, and no wrap.
    pub backward: u64,
}

impl WordCounts {
    /// Size in a snapshot, in bytes.
    pub(super) const STATE_BYTES: usize = 7 * size_of::<u64>();

    pub(super) const fn to_array(self) -> [u64; 7] {
        let Self { events, unplaced, outside, triggers, other, unknown, backward } = self;
        [events, unplaced, outside, triggers, other, unknown, backward]
    }

    pub(super) const fn from_array(counts: [u64; 7]) -> Self {
        let [events, unplaced, outside, triggers, other, unknown, backward] = counts;
        Self { events, unplaced, outside, triggers, other, unknown, backward }
    }
}

/// Why an event cannot be written as a sensor's words. Those before it have been written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WordEncodeError {
    /// A column or row that needs more than 11 bits.
    #[error("event {position}: pixel ({x}, {y}) needs more than 11 bits a side")]
    PixelTooLarge {
        /// The event's place among those given.
        position: usize,
        /// Its column.
        x: u16,
        /// Its row.
        y: u16,
    },
    /// A time so far behind the last that it would read as one ahead of it.
    #[error("event {position}: time {t_us} us is too far before the last, {last_us} us")]
    Backward {
        /// The event's place among those given.
        position: usize,
        /// Its time.
        t_us: u64,
        /// The last time written, to the precision of a TIME_HIGH.
        last_us: u64,
    },
    /// A silence that would take more words than any real recording holds.
    #[error("event {position}: time {t_us} us is too far after the last, {last_us} us")]
    Gap {
        /// The event's place among those given.
        position: usize,
        /// Its time.
        t_us: u64,
        /// The last time written, to the precision of a TIME_HIGH.
        last_us: u64,
    },
}
