//! Hostile messages in the place of a network: see `spiked-fuzz`.

use std::collections::BTreeMap;

use prost::Message as _;
use sim_core::{Plan, network::Spread};
use spiked_fuzz::Target;

use super::*;
use crate::networks::text;

/// What a plan may take here \[bytes\].
const PLAN_BYTES: u64 = 1 << 20;

/// Networks of every kind of part, and the arrays that they name.
fn examples() -> (Vec<Vec<u8>>, BTreeMap<[u8; 32], Bytes>) {
    let page = include_str!("../../../../docs/networks.md");
    let texts = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("network.toml");
    let (mut messages, mut blobs) = (Vec::new(), BTreeMap::new());
    for text in texts {
        std::fs::write(&file, text).unwrap();
        // Those with arrays beside them are for the target that reads texts.
        if let Ok(described) = text::read(&file) {
            messages.push(described.network.encode_to_vec());
            blobs.extend(described.blobs);
        }
    }
    assert!(messages.len() >= 6);
    (messages, blobs)
}

/// Any message is refused with its problems or is a network, which the core judges within the
/// memory that it is allowed.
#[test]
fn network_messages() {
    let (examples, blobs) = examples();
    let target = Target::new("network_messages", examples).bytes_max(1_024);
    target.memory_bytes_max(16 << 20).run(|input| {
        let Ok(message) = v1::Network::decode(input) else { return false };
        let blob = |sha256: &[u8; 32]| blobs.get(sha256).cloned();
        let converted = match network(&message, &blob) {
            Ok(converted) => converted,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return false;
            }
        };
        let spread = Spread { memory_bytes_max: PLAN_BYTES, ..Spread::default() };
        let _ = Plan::spread(&converted.network, &[], spread);
        true
    });
}
