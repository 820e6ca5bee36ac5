//! From EVT2 words to events.
//!
//! Events come in runs between other words, and a run is appended in one go: this is what makes
//! the loop fast (`benches/decode.rs` of the recordings measures it). State is the slow part of
//! time and the bytes of a word that is not complete.

use super::{PIXEL_BITS, PIXEL_MAX, TIME_HIGH_BITS, TIME_LOW_BITS, WORD_BYTES, kind};
use crate::layout::{
    Geometry, StateError,
    camera::CameraEvent,
    pending::Pending,
    state::{Reader, Writer},
    time_high,
    words::WordCounts,
};

/// Size of a decoder's state in a snapshot, in bytes.
pub const STATE_BYTES: usize = Pending::<WORD_BYTES>::STATE_BYTES + 9 + 9 + WordCounts::STATE_BYTES;

type Word = [u8; WORD_BYTES];

/// A resumable decoder: feeding it bytes in any portions gives the same events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoder {
    pending: Pending<WORD_BYTES>,
    /// Time without its low bits, from the first TIME_HIGH on.
    high: Option<u64>,
    geometry: Option<Geometry>,
    counts: WordCounts,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder at the start of a stream, which gives out events of any pixel.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            pending: Pending::new(),
            high: None,
            geometry: None,
            counts: WordCounts::from_array([0; 7]),
        }
    }

    /// From here on drops, and counts, events whose pixel is not on a sensor of this size.
    #[must_use]
    pub const fn clipped_to(mut self, geometry: Geometry) -> Self {
        self.geometry = Some(geometry);
        self
    }

    /// What became of the words so far.
    #[must_use]
    pub const fn counts(&self) -> &WordCounts {
        &self.counts
    }

    /// Bytes of a word whose end has not arrived: fewer than four.
    #[must_use]
    pub const fn pending_bytes(&self) -> usize {
        self.pending.length()
    }

    /// Reads on in the stream and appends its events, at most one for four bytes.
    pub fn decode(&mut self, bytes: &[u8], out: &mut Vec<CameraEvent>) {
        let (completed, bytes) = self.pending.complete(bytes);
        if let Some(word) = completed {
            self.decode_words(&[word], out);
        }
        let (words, rest) = bytes.as_chunks();
        self.decode_words(words, out);
        self.pending.append(rest);
    }

    fn decode_words(&mut self, mut words: &[Word], out: &mut Vec<CameraEvent>) {
        loop {
            let run = words.iter().position(|&word| !is_event(word)).unwrap_or(words.len());
            let (events, others) = words.split_at(run);
            self.append_run(events, out);
            let Some((&word, behind)) = others.split_first() else {
                return;
            };
            self.read_other(u32::from_le_bytes(word));
            words = behind;
        }
    }

    fn append_run(&mut self, run: &[Word], out: &mut Vec<CameraEvent>) {
        let Some(high) = self.high else {
            self.counts.unplaced += run.len() as u64;
            return;
        };
        let base_us = high << TIME_LOW_BITS;
        let before = out.len();
        let events = run.iter().map(|&word| event(word, base_us));
        match self.geometry {
            None => out.extend(events),
            Some(geometry) => {
                out.extend(events.filter(|event| geometry.contains(event.x, event.y)))
            }
        }
        let appended = out.len() - before;
        self.counts.events += appended as u64;
        self.counts.outside += (run.len() - appended) as u64;
    }

    fn read_other(&mut self, word: u32) {
        match word >> TIME_HIGH_BITS {
            kind::TIME_HIGH => self.set_time_high(u64::from(word & ((1 << TIME_HIGH_BITS) - 1))),
            kind::TRIGGER => self.counts.triggers += 1,
            kind::INERTIAL | kind::OTHER | kind::CONTINUED => self.counts.other += 1,
            _ => self.counts.unknown += 1,
        }
    }

    fn set_time_high(&mut self, word: u64) {
        let before = self.high.unwrap_or(word);
        let high = time_high::unwrapped::<TIME_HIGH_BITS>(before, word);
        self.counts.backward += u64::from(high < before);
        self.high = Some(high);
    }

    /// The state as bytes, for a snapshot.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; STATE_BYTES] {
        let mut bytes = [0; STATE_BYTES];
        let mut writer = Writer(&mut bytes);
        self.pending.save(&mut writer);
        writer.put_option(self.high);
        writer.put_geometry(self.geometry);
        writer.put_counts(&self.counts);
        bytes
    }

    /// The decoder whose state [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    ///
    /// Bytes that no decoder gives.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = Reader::new::<STATE_BYTES>(bytes)?;
        Ok(Self {
            pending: Pending::load(&mut reader)?,
            high: reader.take_option("time")?,
            geometry: reader.take_geometry()?,
            counts: reader.take_counts()?,
        })
    }
}

const fn is_event(word: Word) -> bool {
    u32::from_le_bytes(word) >> TIME_HIGH_BITS <= kind::ON
}

#[expect(clippy::cast_possible_truncation, reason = "the fields are masked to 11 bits")]
const fn event(word: Word, base_us: u64) -> CameraEvent {
    let word = u32::from_le_bytes(word);
    let time_low = word >> (2 * PIXEL_BITS) & ((1 << TIME_LOW_BITS) - 1);
    CameraEvent {
        t_us: base_us | time_low as u64,
        x: (word >> PIXEL_BITS) as u16 & PIXEL_MAX,
        y: word as u16 & PIXEL_MAX,
        on: word >> TIME_HIGH_BITS == kind::ON,
    }
}
