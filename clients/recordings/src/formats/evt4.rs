//! The events of a Prophesee RAW file with EVT4 words, of 32 bits.
//!
//! Kinds, in bits 31 to 28: 0xA and 0xB an event OFF and ON, laid out as in EVT2; 0xC and 0xD the same
//! for up to 32 events of a row, whose mask is the next word; 0xE the time without its lowest 6 bits;
//! 0x9 a trigger; 0x6 and 0x7 other and continued; 0xF padding.

use super::{
    records::{Record, Records},
    rows::Rows,
};
use crate::{CameraEvent, Fault, Geometry, WordCounts};

const WORD_BYTES: usize = 4;

mod kind {
    pub(super) const OTHER: u32 = 0x6;
    pub(super) const CONTINUED: u32 = 0x7;
    pub(super) const TRIGGER: u32 = 0x9;
    pub(super) const OFF: u32 = 0xA;
    pub(super) const ON: u32 = 0xB;
    pub(super) const ROW_OFF: u32 = 0xC;
    pub(super) const ROW_ON: u32 = 0xD;
    pub(super) const TIME_HIGH: u32 = 0xE;
}

/// The reader of such words.
pub(super) fn reader(geometry: Option<Geometry>) -> Records<Words, WORD_BYTES> {
    Records::new(Words { row: None, rows: Rows::new(geometry) })
}

pub(super) struct Words {
    /// The first word of a row whose mask is next.
    row: Option<u32>,
    rows: Rows,
}

impl Record<WORD_BYTES> for Words {
    #[inline]
    fn read(
        &mut self,
        word: &[u8; WORD_BYTES],
        _: u64,
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), Fault> {
        let word = u32::from_le_bytes(*word);
        if let Some(head) = self.row.take() {
            self.rows.events(head, word, head >> 28 == kind::ROW_ON, out);
            return Ok(());
        }
        match word >> 28 {
            polarity @ (kind::OFF | kind::ON) => {
                self.rows.events(word, 1, polarity == kind::ON, out);
            }
            kind::ROW_OFF | kind::ROW_ON => self.row = Some(word),
            kind::TIME_HIGH => self.rows.time_high(word),
            kind::TRIGGER => self.rows.counts.triggers += 1,
            kind::OTHER | kind::CONTINUED => self.rows.counts.other += 1,
            _ => self.rows.counts.unknown += 1,
        }
        Ok(())
    }

    fn set_geometry(&mut self, geometry: Geometry) {
        self.rows.geometry = Some(geometry);
    }

    fn counts(&self) -> &WordCounts {
        &self.rows.counts
    }
}
