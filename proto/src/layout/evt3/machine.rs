//! What an EVT3 stream carries from word to word, and what each word does to it.
//!
//! Invariant: `placed` says whether an event would be given out: time and row are known, and the
//! row lies on the sensor. So the common words test one flag; why an event was dropped is worked
//! out only where one is.

use super::{ON, PIXEL_MAX, TIME_BITS, TIME_MASK, kind};
use crate::layout::{
    Geometry, StateError,
    camera::CameraEvent,
    state::{Reader, Writer},
    time_high,
    words::WordCounts,
};

/// Without a geometry every pixel that 11 bits can name is on the sensor.
const WIDEST: Geometry = Geometry { width: PIXEL_MAX + 1, height: PIXEL_MAX + 1 };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    /// Time without TIME_LOW, from the first TIME_HIGH on.
    high: Option<u64>,
    t_us: u64,
    row: Option<u16>,
    placed: bool,
    /// Column of the next vector's first bit. Before the first base, one off every sensor.
    base_x: u16,
    base_on: bool,
    geometry: Option<Geometry>,
    pub(super) counts: WordCounts,
}

impl Machine {
    /// Size in a snapshot [bytes].
    pub(super) const STATE_BYTES: usize = 9 + 8 + 9 + 2 + 1 + 9 + WordCounts::STATE_BYTES;

    pub(super) const fn new() -> Self {
        Self {
            high: None,
            t_us: 0,
            row: None,
            placed: false,
            base_x: u16::MAX,
            base_on: false,
            geometry: None,
            counts: WordCounts::from_array([0; 7]),
        }
    }

    pub(super) fn clip_to(&mut self, geometry: Geometry) {
        self.geometry = Some(geometry);
        self.place();
    }

    #[inline]
    pub(super) fn read(&mut self, word: u16, out: &mut Vec<CameraEvent>) {
        match word >> super::KIND_SHIFT {
            kind::EVENT => self.emit(word & PIXEL_MAX, word & ON != 0, out),
            kind::ROW => {
                self.row = Some(word & PIXEL_MAX);
                self.place();
            }
            kind::VECTOR_BASE => {
                self.base_x = word & PIXEL_MAX;
                self.base_on = word & ON != 0;
            }
            kind::VECTOR_12 => self.emit_vector::<12>(word & 0xFFF, out),
            kind::VECTOR_8 => self.emit_vector::<8>(word & 0xFF, out),
            kind::TIME_LOW => self.t_us = self.t_us & !u64::from(TIME_MASK) | u64::from(word & TIME_MASK),
            kind::TIME_HIGH => self.set_time_high(u64::from(word & TIME_MASK)),
            kind::TRIGGER => self.counts.triggers += 1,
            kind::CONTINUED_4 | kind::OTHER | kind::CONTINUED_12 => self.counts.other += 1,
            _ => self.counts.unknown += 1,
        }
    }
}
