//! Hostile bytes in the place of a NIR file: see `spiked-fuzz`.

use std::time::Duration;

use sim_core::{Plan, network::Spread};
use spiked_fuzz::{Random, Target};

use self::writer::{Node, Parameter, file, input, integrators, nested, node, output, row};
use super::*;
use crate::networks::convert;

mod graphs;
#[path = "../../../tests/it/networks/nir/writer.rs"]
mod writer;

/// What a plan may take here \[bytes\].
const PLAN_BYTES: u64 = 1 << 20;

/// Input, some nodes in a row, integrators, output.
fn row_of(shape: &[f32], nodes: Vec<Node<'_>>, units: usize) -> Vec<u8> {
    let names: Vec<String> = nodes.iter().map(|node| node.0.to_owned()).collect();
    let mut all = vec![input(shape)];
    all.extend(nodes);
    all.extend([integrators("if", units, 1.0, 1.0), output()]);
    let names = names.iter().map(String::as_str);
    let names: Vec<&str> = ["input"].into_iter().chain(names).chain(["if", "output"]).collect();
    let edges: Vec<(&str, &str)> = names.windows(2).map(|pair| (pair[0], pair[1])).collect();
    file(&all, &edges)
}

/// Each kind of node in a file of few bytes.
fn examples() -> Vec<Vec<u8>> {
    let weight = |shape: &'static [u64], count| -> Parameter<'static> {
        ("weight", shape, vec![0.5; count])
    };
    let leaky = |name, kind, more: Vec<Parameter<'static>>| {
        let own = ["tau", "r", "v_threshold"].map(|name| row(name, &[0.5]));
        node(name, kind, own.into_iter().chain([row("v_leak", &[0.0])]).chain(more).collect())
    };
    let convolution = vec![
        weight(&[1, 1, 2, 2], 4),
        row("padding", &[0.0, 0.0]),
        row("stride", &[1.0, 1.0]),
        row("bias", &[0.25]),
    ];
    let pool = ["kernel_size", "stride"].map(|name| row(name, &[2.0, 2.0]));
    let pool = pool.into_iter().chain([row("padding", &[0.0, 0.0])]).collect();
    let affine = vec![weight(&[1, 2], 2), row("bias", &[0.5])];
    let cuba = ["tau_syn", "tau_mem"].map(|name| row(name, &[0.01]));
    let cuba = cuba.into_iter().chain([row("w_in", &[1.0])]).collect();
    let inner = [input(&[1.0]), integrators("if", 1, 1.0, 1.0), output()];
    vec![
        row_of(&[1.0, 3.0, 3.0], vec![node("c", "Conv2d", convolution)], 4),
        row_of(&[1.0, 2.0, 2.0], vec![node("p", "AvgPool2d", pool)], 1),
        row_of(
            &[2.0, 1.0],
            vec![
                node("f", "Flatten", vec![row("start_dim", &[0.0]), row("end_dim", &[-1.0])]),
                node("a", "Affine", affine),
            ],
            1,
        ),
        row_of(
            &[1.0],
            vec![
                node("d", "Delay", vec![row("delay", &[2e-4])]),
                node("s", "Scale", vec![row("scale", &[3.0])]),
                node("w", "Linear", vec![weight(&[1, 1], 1)]),
            ],
            1,
        ),
        row_of(&[1.0], vec![leaky("l", "LIF", vec![row("v_reset", &[0.0])])], 1),
        row_of(&[1.0], vec![leaky("q", "CubaLIF", cuba)], 1),
        nested(
            &[input(&[1.0]), integrators("out", 1, 1.0, 1.0), output()],
            &[("input", "block"), ("block", "out"), ("out", "output")],
            ("block", &inner, &[("input", "if"), ("if", "output")]),
        ),
    ]
}

/// The checksum of HDF5's metadata: lookup3 of Bob Jenkins, little-endian.
fn lookup3(bytes: &[u8]) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(u32::try_from(bytes.len()).unwrap());
    let [mut a, mut b, mut c] = [start; 3];
    let mut rest = bytes;
    let word = |bytes: &[u8], at: usize| -> u32 {
        let byte = |place| u32::from(bytes.get(at + place).copied().unwrap_or(0));
        (0..4).map(|place| byte(place) << (8 * place)).sum()
    };
    loop {
        if rest.is_empty() {
            return c;
        }
        a = a.wrapping_add(word(rest, 0));
        b = b.wrapping_add(word(rest, 4));
        c = c.wrapping_add(word(rest, 8));
        if rest.len() <= 12 {
            break;
        }
        for (turn, add) in [(4, 0), (6, 1), (8, 2), (16, 0), (19, 1), (4, 2)] {
            // Each round takes one of the three off the next and stirs it.
            match add {
                0 => {
                    a = a.wrapping_sub(c) ^ c.rotate_left(turn);
                    c = c.wrapping_add(b);
                }
                1 => {
                    b = b.wrapping_sub(a) ^ a.rotate_left(turn);
                    a = a.wrapping_add(c);
                }
                _ => {
                    c = c.wrapping_sub(b) ^ b.rotate_left(turn);
                    b = b.wrapping_add(a);
                }
            }
        }
        rest = &rest[12..];
    }
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

/// Where each checked part of a file begins, and where its checksum stands.
fn checked_parts(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    if bytes.get(8).is_some_and(|version| matches!(version, 2 | 3)) {
        parts.push((0, 44));
    }
    let heads = bytes.windows(4).enumerate().filter(|(_, window)| *window == b"OHDR");
    for (at, _) in heads {
        let Some(&flags) = bytes.get(at + 5) else { continue };
        let times = if flags & 0x20 == 0 { 0 } else { 16 };
        let phases = if flags & 0x10 == 0 { 0 } else { 4 };
        let (size_at, size_bytes) = (at + 6 + times + phases, 1_usize << (flags & 3));
        let Some(size) = bytes.get(size_at..size_at + size_bytes.min(4)) else { continue };
        let size = size.iter().rev().fold(0_usize, |size, byte| size << 8 | usize::from(*byte));
        parts.push((at, size_at + size_bytes + size));
    }
    parts.retain(|&(_, end)| end.checked_add(4).is_some_and(|end| end <= bytes.len()));
    parts
}

#[expect(clippy::ptr_arg, reason = "a target may change the length")]
fn repair(bytes: &mut Vec<u8>, _: &mut Random) {
    for (start, end) in checked_parts(bytes) {
        let checksum = lookup3(&bytes[start..end]).to_le_bytes();
        bytes[end..end + 4].copy_from_slice(&checksum);
    }
}

/// The examples themselves are read, and their checksums are the ones that are computed here.
#[test]
fn examples_are_sound() {
    for (at, example) in examples().iter().enumerate() {
        let options = Options { profile: Profile::Euler, step_ns: STEP_DEFAULT_NS };
        read_bytes(example, "a.nir", "a", options).unwrap_or_else(|error| panic!("{at}: {error}"));
        let mut repaired = example.clone();
        repair(&mut repaired, &mut Random::new(0));
        assert!(repaired == *example && checked_parts(example).len() > 5, "example {at}");
    }
}

/// Any file is refused or is a network, which the core judges within the memory that it is
/// allowed. Within a small file a node may have millions of units or synapses.
#[test]
fn nir_files() {
    let target = Target::new("nir_files", examples()).bytes_max(64 << 10).repair(&repair);
    let target = target.words(&[b"OHDR", b"NIRGraph", b"Conv2d", b"Linear", b"CubaLI", b"Input"]);
    target.memory_bytes_max(1 << 30).time_max(Duration::from_secs(1)).run(|input| {
        let profile = usize::from(input.last().copied().unwrap_or(0)) % Profile::ALL.len();
        let options = Options { profile: Profile::ALL[profile], step_ns: STEP_DEFAULT_NS };
        let Ok(described) = read_bytes(input, "a.nir", "a", options) else { return false };
        let blob = |sha256: &[u8; 32]| described.blobs.get(sha256).cloned();
        let Ok(converted) = convert::network(&described.network, &blob) else { return true };
        let spread = Spread { memory_bytes_max: PLAN_BYTES, ..Spread::default() };
        let _ = Plan::spread(&converted.network, &[], spread);
        true
    });
}
