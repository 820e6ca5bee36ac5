//! Hostile messages in the place of a network: see `spiked-fuzz`.

use std::collections::BTreeMap;

use prost::Message as _;
use sim_core::{Plan, network::Spread};
use spiked_fuzz::{Random, Target};

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

/// Gives a number of a message another value: damage to its bytes seldom leaves one that is large.
fn set_a_number(bytes: &mut Vec<u8>, random: &mut Random) {
    let Ok(mut network) = v1::Network::decode(bytes.as_slice()) else { return };
    let (power, small) = (1_u32 << random.below(32), u32::try_from(random.below(100)).unwrap());
    let number = *random.of(&[0, 1, u32::MAX, power, small, power.wrapping_add(small)]);
    let which = random.index(8);
    let one_of = |random: &mut Random, length: usize| random.index(length);
    let parts = [network.populations.len(), network.inputs.len(), network.projections.len()];
    let [population, input, projection] = parts.map(|length| one_of(random, length));
    match which {
        0 => network.tick_ns = u64::from(number) << random.below(33),
        1 | 2 => {
            let shape = network.populations.get_mut(population).map(|one| &mut one.shape);
            let extent = shape.and_then(|shape| {
                let at = random.index(shape.len());
                shape.get_mut(at)
            });
            if let Some(extent) = extent {
                extent.extent = Some(v1::extent::Extent::Size(number));
            }
        }
        3 => {
            if let Some(one) = network.inputs.get_mut(input) {
                one.max_multiplicity = number;
            }
        }
        4 => {
            let shape = Some(v1::input_port::Shape::Channels(v1::Channels { shape: vec![number] }));
            if let Some(one) = network.inputs.get_mut(input) {
                one.shape = shape;
            }
        }
        5 => {
            if let Some(one) = network.projections.get_mut(projection) {
                one.axonal_delay_ticks = number;
            }
        }
        6 => {
            if let Some(one) = network.projections.get_mut(projection) {
                let weight = f64::from_bits(random.next());
                let weight = *random.of(&[1.0, 0.0, f64::MAX, -1e300, 5e-324, weight]);
                let synapses = v1::OneToOne { weight, delay_ticks: number };
                one.connectivity = Some(v1::projection::Connectivity::OneToOne(synapses));
            }
        }
        _ => {
            if let Some(one) = network.populations.get_mut(population) {
                one.clock_ticks = number;
            }
        }
    }
    *bytes = network.encode_to_vec();
}

/// Any message is refused with its problems or is a network, which the core judges within the
/// memory that it is allowed.
#[test]
fn network_messages() {
    let (examples, blobs) = examples();
    let target = Target::new("network_messages", examples).bytes_max(2_048);
    target.repair(&set_a_number).memory_bytes_max(16 << 20).run(|input| {
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
