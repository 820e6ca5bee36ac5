//! A digest of a session's output: equal for equal output, however it was cut into messages.
//!
//! SHA-256 over one record of fixed length an item, in output order: a kind (0 spike, 1 decision),
//! then little-endian, for a spike: u64 tick, u32 port, u32 address, u32 multiplicity; for a
//! decision: u64 tick, u32 port, u32 class, u64 votes, u64 votes of all classes. Ticks count from
//! the session's origin, so a recording moved in time has the same digest.

use sha2::{Digest as _, Sha256};
use spiked_client::{Spike, v1::Decision};

const KIND_SPIKE: u8 = 0;
const KIND_DECISION: u8 = 1;

/// A digest that grows with the output.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutputDigest(Sha256);

impl OutputDigest {
    pub(crate) fn add_spike(&mut self, spike: &Spike) {
        let mut record = [KIND_SPIKE; 21];
        record[1..9].copy_from_slice(&spike.tick.to_le_bytes());
        record[9..13].copy_from_slice(&spike.port.to_le_bytes());
        record[13..17].copy_from_slice(&spike.address.to_le_bytes());
        record[17..].copy_from_slice(&spike.multiplicity.to_le_bytes());
        self.0.update(record);
    }

    pub(crate) fn add_decision(&mut self, decision: &Decision) {
        let mut record = [KIND_DECISION; 33];
        record[1..9].copy_from_slice(&decision.tick.to_le_bytes());
        record[9..13].copy_from_slice(&decision.port.to_le_bytes());
        record[13..17].copy_from_slice(&decision.class.to_le_bytes());
        record[17..25].copy_from_slice(&decision.votes.to_le_bytes());
        record[25..].copy_from_slice(&decision.votes_total.to_le_bytes());
        self.0.update(record);
    }

    /// The digest of everything so far.
    pub(crate) fn finish(&self) -> [u8; 32] {
        self.0.clone().finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spiked_client::hex;

    fn spike(tick: u64, address: u32) -> Spike {
        Spike { time_us: 77, tick, port: 1, address, multiplicity: 2 }
    }

    fn digest(spikes: &[Spike], decisions: &[Decision]) -> [u8; 32] {
        let mut digest = OutputDigest::default();
        spikes.iter().for_each(|spike| digest.add_spike(spike));
        decisions.iter().for_each(|decision| digest.add_decision(decision));
        digest.finish()
    }

    /// The records are published in the module's head: this is their sum, made by hand.
    #[test]
    fn is_the_hash_of_the_records_as_written_down() {
        let bytes = [
            [0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0].as_slice(),
            &[1, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0],
            &[5, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        let decision =
            Decision { tick: 3, port: 2, class: 4, votes: 5, votes_total: 8, ..Default::default() };
        let expected: [u8; 32] = Sha256::digest(&bytes).into();
        assert_eq!(hex(&digest(&[spike(3, 9)], &[decision])), hex(&expected));
    }

    #[test]
    fn order_counts_and_positions_on_the_wire_do_not() {
        let (a, b) = (spike(1, 2), spike(1, 3));
        assert_ne!(digest(&[a, b], &[]), digest(&[b, a], &[]));
        let at = |position| Decision { position, tick: 1, ..Decision::default() };
        assert_eq!(digest(&[], &[at(0)]), digest(&[], &[at(9)]));
    }
}
