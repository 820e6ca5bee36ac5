//! Hostile messages in the place of a step's output: see `spiked-fuzz`.

use prost::Message as _;
use spiked_fuzz::{Random, Target};

use super::*;
use crate::counts;

fn examples() -> Vec<Vec<u8>> {
    let spikes = |layout: v1::Layout| v1::SpikeBatch {
        base_time_us: 507,
        base_tick: 5,
        layout: layout.into(),
        count: 2,
        payload: vec![0, 0, 0, 0, 5, 0, 0, 1, 9, 0, 0, 0, 6, 0, 0, 3].into(),
        ..v1::SpikeBatch::default()
    };
    let acknowledgement = v1::Acknowledgement { accepted: 4, ..v1::Acknowledgement::default() };
    let answer = |spikes: &[v1::SpikeBatch]| v1::StepSessionResponse {
        spikes: spikes.to_vec(),
        decisions: vec![v1::Decision { tick: 5, votes: 2, ..v1::Decision::default() }],
        acknowledgement: Some(acknowledgement),
        output_position: 12,
        ..v1::StepSessionResponse::default()
    };
    let [plain, counted] = [v1::Layout::Address, v1::Layout::CountedAddressTicks].map(spikes);
    [answer(&[plain.clone(), counted]), answer(&[plain]), answer(&[])]
        .iter()
        .map(v1::StepSessionResponse::encode_to_vec)
        .collect()
}

/// Says another number of batches: damage to its bytes seldom leaves one that is large.
fn set_accepted(bytes: &mut Vec<u8>, random: &mut Random) {
    let Ok(mut answer) = v1::StepSessionResponse::decode(bytes.as_slice()) else { return };
    if let Some(position) = answer.acknowledgement.as_mut().filter(|_| random.once_in(4)) {
        let border = (1_u64 << random.below(64)).wrapping_sub(random.below(2));
        position.accepted = *random.of(&[border, u64::MAX]);
        *bytes = answer.encode_to_vec();
    }
}

/// What a step brings is all that was sent, or it is refused; further input can be numbered behind
/// what is taken.
#[test]
fn step_answers() {
    let target = Target::new("step_answers", examples()).bytes_max(512);
    target.repair(&set_accepted).run(|input| {
        let Ok(answer) = v1::StepSessionResponse::decode(input) else { return false };
        let sent = answer.clone();
        let tables = Tables::new(v1::Opened { tick_ns: 100_000, ..v1::Opened::default() });
        let Ok(stepped) = Stepped::read(answer, &tables) else { return false };
        let Ok(accepted) = counts::count("batches accepted", stepped.position.accepted) else {
            return false;
        };
        assert!(accepted.checked_add(input.len() as u64).is_some());
        assert_eq!(Some(&stepped.position), sent.acknowledgement.as_ref());
        assert_eq!(stepped.decisions, sent.decisions);
        let counts = stepped.spikes.iter().map(|spikes| spikes.iter().count());
        assert!(counts.eq(sent.spikes.iter().map(|batch| batch.count as usize)));
        true
    });
}
