//! Hostile bytes in the place of a session's snapshot: see `spiked-fuzz`.

use spiked_fuzz::{Random, Target};

use super::*;
use crate::session::tuning::Setting;

fn examples() -> Vec<Vec<u8>> {
    let size = SensorSize { width: 34, height: 34 };
    let sensors = vec![("camera".into(), size), ("other".into(), size)];
    let both = [Vec::new(), sensors].into_iter().zip([Ending::Open, Ending::Failed]);
    let example = |(sensors, ending)| {
        let (network, version) = ("echo".into(), "1".into());
        let runs = Runs { network, version, sensors, plan_sha256: [7; 32] };
        let core = (ending == Ending::Failed).then(|| vec![1, 2, 3]);
        let (protocol, simulated_to) = (vec![4; 20], Tick(5));
        let (output_position, applied) = (99, 12);
        let request = v1::SetParametersRequest { population: "cells".into(), ..Default::default() };
        let change = Arc::new(Change::new(Tick(9), Arc::new(Setting::Parameters(request))));
        let changes = if core.is_none() { vec![change] } else { Vec::new() };
        let frozen = Frozen {
            core,
            is_early: true,
            protocol,
            output_position,
            applied,
            ending,
            simulated_to,
            changes,
        };
        encode(&runs, &frozen)
    };
    both.map(example).collect()
}

/// Makes lengths and checksums of the sections right.
#[expect(clippy::ptr_arg, reason = "a target may change the length")]
fn repair(bytes: &mut Vec<u8>, _: &mut Random) {
    let mut at = 16;
    while let Some(length) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let left = bytes.len() - at;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some(length) = left.checked_sub(16).map(|most| length.min(most)) else { return };
        let body = at + 8..at + 8 + length;
        let checksum = u64::from(crc32fast::hash(&bytes[body.clone()])).to_le_bytes();
        bytes[at..at + 8].copy_from_slice(&(length as u64).to_le_bytes());
        bytes[body.end..body.end + 8].copy_from_slice(&checksum);
        at = body.end + 8;
    }
}

/// What is taken is whole: put together again it is the same bytes.
#[test]
fn session_snapshots() {
    Target::new("session_snapshots", examples()).bytes_max(512).repair(&repair).run(|input| {
        let Ok(thawed) = decode(input) else { return false };
        let Thawed { runs, core, is_early, protocol, output_position, applied, ending, changes } =
            thawed;
        // Without a core, what stands in its place says nothing; a change may be spelt in several
        // ways; and an older version is written as ours.
        let is_ours = input[8..16] == VERSION.to_le_bytes();
        let one_way = core.is_some() && changes.is_empty() && is_ours;
        let simulated_to = Tick(0);
        let frozen = Frozen {
            core,
            is_early,
            protocol,
            output_position,
            applied,
            ending,
            simulated_to,
            changes,
        };
        if one_way {
            assert_eq!(encode(&runs, &frozen), input);
        }
        let again = decode(&encode(&runs, &frozen)).unwrap();
        assert_eq!((again.runs, again.core, again.changes), (runs, frozen.core, frozen.changes));
        true
    });
}
