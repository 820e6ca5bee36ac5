//! Events of one row as EVT2.1 and EVT4 tell them: a word with time and place, and a mask of columns.

use crate::{CameraEvent, Geometry, WordCounts};

const TIME_LOW_BITS: u32 = 6;
const TIME_HIGH_BITS: u32 = 28;

/// What carries over from word to word.
pub(super) struct Rows {
    /// Time without its low bits, from the first TIME_HIGH on.
    high: Option<u64>,
    pub(super) geometry: Option<Geometry>,
    pub(super) counts: WordCounts,
}

impl Rows {
    pub(super) fn new(geometry: Option<Geometry>) -> Self {
        Self { high: None, geometry, counts: WordCounts::default() }
    }

    /// A word laid out as in EVT2 (low time in bits 27 to 22, x in 21 to 11, y in 10 to 0), of which
    /// each set bit k of the mask is an event at x + k.
    #[inline]
    pub(super) fn events(
        &mut self,
        head: u32,
        mut mask: u32,
        on: bool,
        out: &mut Vec<CameraEvent>,
    ) {
        let Some(high) = self.high else {
            self.counts.unplaced += u64::from(mask.count_ones());
            return;
        };
        let t_us = high << TIME_LOW_BITS | u64::from(head >> 22 & 0x3F);
        let [x, y] = [(head >> 11 & 0x7FF) as u16, (head & 0x7FF) as u16];
        let before = out.len();
        while mask != 0 {
            #[expect(clippy::cast_possible_truncation, reason = "below 32")]
            let column = x + mask.trailing_zeros() as u16;
            mask &= mask - 1;
            match self.geometry {
                Some(geometry) if !geometry.contains(column, y) => self.counts.outside += 1,
                _ => out.push(CameraEvent { t_us, x: column, y, on }),
            }
        }
        self.counts.events += (out.len() - before) as u64;
    }

    /// A word whose low 28 bits are the time without its lowest 6. One that goes down by half the range
    /// or more has gone round; by less, it is late.
    pub(super) fn time_high(&mut self, word: u32) {
        let (turn, half) = (1 << TIME_HIGH_BITS, 1 << (TIME_HIGH_BITS - 1));
        let word = u64::from(word) % turn;
        let before = self.high.unwrap_or(word);
        let low = before % turn;
        let turns = before / turn + u64::from(low >= word + half);
        self.counts.backward += u64::from(word < low && low < word + half);
        self.high = Some(turns * turn + word);
    }
}
