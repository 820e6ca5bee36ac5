//! From EVT3 words to events: cuts bytes into words and feeds them to the machine.

use super::{WORD_BYTES, machine::Machine};
use crate::layout::{
    Geometry, StateError,
    camera::CameraEvent,
    pending::Pending,
    state::{Reader, Writer},
    words::WordCounts,
};

/// Size of a decoder's state in a snapshot, in bytes.
pub const STATE_BYTES: usize = Pending::<WORD_BYTES>::STATE_BYTES + Machine::STATE_BYTES;

/// A resumable decoder: feeding it bytes in any portions gives the same events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoder {
    pending: Pending<WORD_BYTES>,
    machine: Machine,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder at the start of a stream, for a sensor of up to 2048 x 2048 pixels.
    #[must_use]
    pub const fn new() -> Self {
        Self { pending: Pending::new(), machine: Machine::new() }
    }

    /// From here on drops, and counts, events whose pixel is not on a sensor of this size.
    #[must_use]
    pub fn clipped_to(mut self, geometry: Geometry) -> Self {
        self.machine.clip_to(geometry);
        self
    }

    /// What became of the words so far.
    #[must_use]
    pub const fn counts(&self) -> &WordCounts {
        &self.machine.counts
    }

    /// Bytes of a word whose end has not arrived: none or one.
    #[must_use]
    pub const fn pending_bytes(&self) -> usize {
        self.pending.length()
    }

    /// Reads on in the stream and appends its events: at most twelve for two bytes.
    pub fn decode(&mut self, bytes: &[u8], out: &mut Vec<CameraEvent>) {
        let before = out.len();
        let (completed, bytes) = self.pending.complete(bytes);
        let (words, rest) = bytes.as_chunks();
        // A copy that no one else can see stays in registers.
        let mut machine = self.machine;
        for &word in completed.iter().chain(words) {
            machine.read(u16::from_le_bytes(word), out);
        }
        machine.counts.events += (out.len() - before) as u64;
        self.machine = machine;
        self.pending.append(rest);
    }

    /// The state as bytes, for a snapshot.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; STATE_BYTES] {
        let mut bytes = [0; STATE_BYTES];
        let mut writer = Writer(&mut bytes);
        self.pending.save(&mut writer);
        self.machine.save(&mut writer);
        bytes
    }

    /// The decoder whose state [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    ///
    /// Bytes that no decoder gives.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = Reader::new::<STATE_BYTES>(bytes)?;
        let pending = Pending::load(&mut reader)?;
        Ok(Self { pending, machine: Machine::load(&mut reader)? })
    }
}
