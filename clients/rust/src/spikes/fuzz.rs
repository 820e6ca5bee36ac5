//! Hostile messages in the place of a daemon's output: see `spiked-fuzz`.

use prost::Message as _;
use spiked_fuzz::Target;

use super::*;

/// Whatever is taken for spikes can be gone through, as many as were told.
#[test]
fn spike_batches() {
    let layouts = [
        Layout::Address,
        Layout::CountedAddress,
        Layout::AddressTicks,
        Layout::CountedAddressTicks,
    ];
    let example = |layout: Layout| {
        let batch = v1::SpikeBatch {
            port: 2,
            base_time_us: 507,
            base_tick: 5,
            first_position: 9,
            layout: layout.into(),
            count: 2,
            payload: vec![0, 0, 0, 0, 5, 0, 0, 1, 9, 0, 0, 0, 6, 0, 0, 3].into(),
        };
        // The length of a tick, then the batch.
        [&100_000_u64.to_le_bytes(), batch.encode_to_vec().as_slice()].concat()
    };
    Target::new("spike_batches", layouts.map(example).to_vec()).bytes_max(256).run(|input| {
        let Some((tick_ns, message)) = input.split_first_chunk() else { return false };
        let clock = Clock { tick_ns: u64::from_le_bytes(*tick_ns) };
        let Ok(batch) = v1::SpikeBatch::decode(message) else { return false };
        let Ok(spikes) = Spikes::new(batch, clock) else { return false };
        let all: Vec<Spike> = spikes.iter().collect();
        assert_eq!(all.len(), spikes.len());
        assert!(all.iter().all(|spike| spike.multiplicity > 0));
        true
    });
}
