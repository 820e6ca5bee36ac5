//! The events of a Prophesee RAW file with EVT2.1 words: 64 bits each, up to 32 events of a row.
//!
//! One half of a word is laid out as in EVT2: kind in bits 31 to 28, low time in 27 to 22, x in 21 to
//! 11, y in 10 to 0, or for TIME_HIGH the time without its lowest 6 bits in 27 to 0. The other half is a
//! mask: bit k is an event at x + k. Newer files (`endianness little`) have the mask first, those of
//! older boards (`legacy`) last; where the header doesn't say, the first words tell by kinds that exist.

use super::{
    records::{Record, Records},
    rows::Rows,
};
use crate::{CameraEvent, Fault, Geometry, WordCounts};

const WORD_BYTES: usize = 8;
const LITTLE: &str = "little";
const LEGACY: &str = "legacy";
/// Words that are looked at to tell the halves apart.
const LOOKED_AT: usize = 64;

mod kind {
    pub(super) const OFF: u32 = 0x0;
    pub(super) const ON: u32 = 0x1;
    pub(super) const TIME_HIGH: u32 = 0x8;
    pub(super) const TRIGGER: u32 = 0xA;
    pub(super) const OTHERS: u32 = 0xE;
    pub(super) const CONTINUED: u32 = 0xF;
}

/// The reader of words in one of the two orders.
pub(super) fn reader(
    endianness: Option<&str>,
    geometry: Option<Geometry>,
) -> Result<Records<Words, WORD_BYTES>, Fault> {
    let is_legacy = match endianness {
        None | Some(LITTLE) => false,
        Some(LEGACY) => true,
        Some(other) => {
            let (key, value) = ("endianness".to_owned(), other.to_owned());
            return Err(Fault::HeaderValue { key, value, expected: "expected little or legacy" });
        }
    };
    Ok(Records::new(Words { is_legacy, rows: Rows::new(geometry) }))
}

/// The order of words that begin with these bytes: where kinds that exist are more frequent.
pub(super) fn guess(first: &[u8]) -> &'static str {
    let (words, _) = first.as_chunks::<WORD_BYTES>();
    let known = |half: u32| {
        let kind = half >> 28;
        usize::from(matches!(
            kind,
            kind::OFF | kind::ON | kind::TIME_HIGH | kind::TRIGGER | kind::OTHERS | kind::CONTINUED
        ))
    };
    let halves = words.iter().take(LOOKED_AT).map(|&word| halves(word, false));
    let (head, tail) =
        halves.fold((0, 0), |(head, tail), [h, mask]| (head + known(h), tail + known(mask)));
    if tail > head { LEGACY } else { LITTLE }
}

/// The half with kind and place, and the mask.
#[inline]
fn halves([b0, b1, b2, b3, b4, b5, b6, b7]: [u8; WORD_BYTES], is_legacy: bool) -> [u32; 2] {
    let (low, high) = (u32::from_le_bytes([b0, b1, b2, b3]), u32::from_le_bytes([b4, b5, b6, b7]));
    if is_legacy { [low, high] } else { [high, low] }
}

pub(super) struct Words {
    is_legacy: bool,
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
        let [head, mask] = halves(*word, self.is_legacy);
        match head >> 28 {
            polarity @ (kind::OFF | kind::ON) => {
                self.rows.events(head, mask, polarity == kind::ON, out);
            }
            kind::TIME_HIGH => self.rows.time_high(head),
            kind::TRIGGER => self.rows.counts.triggers += 1,
            kind::OTHERS | kind::CONTINUED => self.rows.counts.other += 1,
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
