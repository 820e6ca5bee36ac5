//! Batch numbers: what comes next, what came before, and whether it was the same.
//!
//! The last 64 batches are remembered by a checksum over all that a batch says. A number older than
//! these counts as a duplicate unseen: its producer has had 64 acknowledgements to learn better.

use spiked_proto::v1::{self, Reason};

use super::refusal::Refusal;
use crate::session::codec::{Damaged, Reader, Writer};

const REMEMBERED: usize = 64;

/// Where a batch stands in its producer's numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The one expected, with its checksum.
    Next(u32),
    /// Accepted before.
    Duplicate,
}

/// The numbering of one producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    accepted: u64,
    /// Of batch n at n % 64.
    digests: [u32; REMEMBERED],
}

impl Default for Numbers {
    fn default() -> Self {
        Self { accepted: 0, digests: [0; REMEMBERED] }
    }
}

impl Numbers {
    /// The last batch accepted.
    pub(super) const fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Where a batch stands.
    pub(super) fn place(&self, batch: &v1::EventBatch) -> Result<Place, Refusal> {
        let (sequence, expected) = (batch.sequence, self.accepted.saturating_add(1));
        if sequence == 0 || sequence > expected {
            let message = format!("batch {sequence} where batch {expected} was expected");
            return Err(Refusal::new(Reason::SequenceGap, sequence, message));
        }
        if sequence == expected {
            return Ok(Place::Next(digest(batch)));
        }
        let forgotten = self.accepted - sequence >= REMEMBERED as u64;
        if forgotten || self.digests[slot(sequence)] == digest(batch) {
            return Ok(Place::Duplicate);
        }
        let message = format!("batch {sequence} was accepted before, with other bytes");
        Err(Refusal::new(Reason::SequenceConflict, sequence, message))
    }

    /// Remembers the batch that was expected.
    pub(super) fn accept(&mut self, batch: &v1::EventBatch, digest: u32) {
        self.accepted = batch.sequence;
        self.digests[slot(batch.sequence)] = digest;
    }

    pub(super) fn save(&self, out: &mut Writer) {
        out.u64(self.accepted);
        for digest in self.digests {
            out.u64(digest.into());
        }
    }

    pub(super) fn load(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut numbers = Self { accepted: from.u64()?, ..Self::default() };
        for digest in &mut numbers.digests {
            *digest = from.u32()?;
        }
        Ok(numbers)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the remainder is below 64")]
const fn slot(sequence: u64) -> usize {
    (sequence % REMEMBERED as u64) as usize
}

/// CRC-32 of the batch's fields and payload: a tenth of a nanosecond a byte, and good against
/// mistakes, which is what it is for. A producer that forges its own batches harms only itself.
fn digest(batch: &v1::EventBatch) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for field in [
        u64::from(batch.port),
        batch.base_time_us,
        u64::from(batch.layout.cast_unsigned()),
        u64::from(batch.count),
        u64::from(batch.promise_us.is_some()),
        batch.promise_us.unwrap_or(0),
    ] {
        hasher.update(&field.to_le_bytes());
    }
    hasher.update(&batch.payload);
    hasher.finalize()
}
