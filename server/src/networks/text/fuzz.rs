//! Hostile bytes in the place of a network's text, and of the arrays beside it: see `spiked-fuzz`.

use std::time::Duration;

use sim_core::{Plan, network::Spread};
use spiked_fuzz::{Random, Target};

use super::*;
use crate::networks::convert;

/// What a plan may take here \[bytes\]: enough for a network of the page, far below what is
/// allowed.
const PLAN_BYTES: u64 = 1 << 20;

/// Files by name.
struct Memory<'a>(&'a [u8], &'a BTreeMap<&'static str, Vec<u8>>);

impl Files for Memory<'_> {
    fn main(&self) -> &str {
        FILE_NAME
    }
    fn shown(&self, name: &str) -> String {
        name.into()
    }
    fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, String> {
        let beside = || self.1.get(name).map(Vec::as_slice).ok_or("isn't there".to_owned());
        let bytes = if name == FILE_NAME { self.0 } else { beside()? };
        match bytes.len() as u64 <= max_bytes {
            true => Ok(bytes.to_vec()),
            false => Err(format!("has more than {max_bytes} bytes")),
        }
    }
}

fn npy(descr: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    npy::tests::npy(&header, elements)
}

fn npz(method: zip::CompressionMethod, members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write as _;
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn f32s(count: usize) -> Vec<u8> {
    0.5_f32.to_le_bytes().repeat(count)
}

fn u32s() -> Vec<u8> {
    (0_u32..4).flat_map(u32::to_le_bytes).collect()
}

/// The files that the page on networks speaks of.
fn beside() -> BTreeMap<&'static str, Vec<u8>> {
    let indices = npy("<u4", "(4,)", &u32s());
    BTreeMap::from([
        ("layer.npy", npy("<f4", "(2, 3)", &f32s(6))),
        ("kernel.npy", npy("<f4", "(8, 2, 5, 3, 3)", &f32s(720))),
        ("sources.npy", indices.clone()),
        ("targets.npy", indices.clone()),
        ("delays.npy", indices),
        ("weights.npy", npy("<f4", "(4,)", &f32s(4))),
        ("thresholds.npy", npy("<f4", "(4,)", &f32s(4))),
        ("synapses.csv", b"from,to,weight,delay\n0,1,0.5,3 ms\n".to_vec()),
    ])
}

/// The examples of the page on networks, and two that fit a plan of few bytes.
fn texts() -> Vec<Vec<u8>> {
    let page = include_str!("../../../../docs/networks.md");
    let blocks = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let small = "input.a.channels = [2, 4, 4]\n\
                 population.b = { shape = [2, 4, 4], neuron.lif = { tau = \"5 ms\" } }\n\
                 [projection.p]\nfrom = \"a\"\nto = \"b\"\n\
                 convolution = { kernel = { motion = { directions = 2, speed = \"1 px/ms\" } } }\n";
    blocks.chain([small]).map(|text| text.as_bytes().to_vec()).collect()
}

/// How many a closed form asks for.
fn directions(text: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(text);
    let digits = |rest: &str| {
        let from = rest.find(|c: char| c.is_ascii_digit())?;
        let digits: String = rest[from..].chars().take_while(char::is_ascii_digit).collect();
        Some(digits.parse().unwrap_or(u64::MAX))
    };
    text.split("directions").skip(1).filter_map(digits).max().unwrap_or(0)
}

/// Any text is refused with its places or is a network, which the core judges within the memory
/// that it is allowed.
#[test]
fn network_texts() {
    let files = beside();
    let target = Target::new("network_texts", texts()).text().bytes_max(2_048);
    // What a text names may have 256 MiB an array, and a number is all that it takes.
    let target = target.memory_bytes_max(3 << 30).time_max(Duration::from_secs(20));
    target.run(|input| {
        // Kernels of many directions are that large by right, and take a second each: left out.
        if directions(input) > 64 {
            return false;
        }
        let described = match read_from(&Memory(input, &files), "network") {
            Ok(described) => described,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return false;
            }
        };
        let blob = |sha256: &[u8; 32]| described.blobs.get(sha256).cloned();
        let Ok(converted) = convert::network(&described.network, &blob) else { return true };
        let spread = Spread { memory_bytes_max: PLAN_BYTES, ..Spread::default() };
        let _ = Plan::spread(&converted.network, &[], spread);
        true
    });
}

/// Any file is an array or refused.
#[test]
fn npy_arrays() {
    let examples = vec![
        npy("<f8", "(2, 3)", &0.25_f64.to_be_bytes().repeat(6)),
        npy(">f4", "(6,)", &f32s(6)),
        npy("<i2", "(3, 2, 1)", &[1; 12]),
        npy("|u1", "()", &[7]),
        npy("<u8", "(2, 2)", &[0; 32]),
        npy::tests::npy("{'descr': '<u4', 'fortran_order': True, 'shape': (2, 2)}", &u32s()),
    ];
    Target::new("npy_arrays", examples).text().bytes_max(512).run(|input| {
        let Ok(array) = npy::Npy::read(input) else { return false };
        let count: u64 = array.shape.iter().map(|&extent| u64::from(extent)).product();
        // Whole numbers may be out of range, floats of one byte or two there aren't.
        if let Ok(numbers) = array.numbers() {
            assert_eq!(numbers.len() as u64, count);
        }
        if let Ok((_, bytes)) = array.weights() {
            assert!(bytes.len() <= input.len());
        }
        let _ = array.wholes();
        true
    });
}

/// Makes the checksum of a first, stored member right.
#[expect(clippy::ptr_arg, reason = "a target may change the length")]
fn repair(bytes: &mut Vec<u8>, _: &mut Random) {
    let field = |at: usize| {
        let two = bytes.get(at..at + 2).and_then(|two| two.first_chunk());
        two.map_or(0, |two| usize::from(u16::from_le_bytes(*two)))
    };
    let (size, start) = (field(22), 30 + field(26) + field(28));
    let Some(member) = bytes.get(start..start + size).filter(|_| bytes.starts_with(b"PK\x03\x04"))
    else {
        return;
    };
    let checksum = crc32fast::hash(member).to_le_bytes();
    bytes[14..18].copy_from_slice(&checksum);
    let central = bytes.windows(4).position(|window| window == b"PK\x01\x02");
    if let Some(field) = central.and_then(|at| bytes.get_mut(at + 16..at + 20)) {
        field.copy_from_slice(&checksum);
    }
}

/// Any archive gives arrays or is refused.
#[test]
fn npz_archives() {
    let (array, other) = (npy("<f4", "(6,)", &f32s(6)), npy("<u4", "(4,)", &u32s()));
    let stored = zip::CompressionMethod::Stored;
    let examples = vec![
        npz(stored, &[("kernel", array.clone())]),
        npz(stored, &[("sources", other.clone()), ("weights", array.clone())]),
        npz(zip::CompressionMethod::Deflated, &[("kernel", array), ("other", other)]),
    ];
    let target = Target::new("npz_archives", examples).bytes_max(2_048).repair(&repair);
    target.memory_bytes_max(8 << 20).run(|input| {
        let Ok(names) = npy::names_in_npz(input) else { return false };
        let mut found = false;
        for name in names.iter().take(3) {
            found |= npz_array(input, name).is_ok_and(|array| array.is_some());
        }
        let _ = npy::member_of_npz(input, None);
        found
    });
}
