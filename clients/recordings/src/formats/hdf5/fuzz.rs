//! Hostile chunks, packed as others pack them: see `spiked-fuzz`.

use spiked_fuzz::Target;

use super::{blosc, ecf};

/// Longest chunk that is packed \[bytes\].
const CHUNK_BYTES: usize = 6_000;
/// What a chunk may hold, unpacked: all that those of the examples do \[bytes\].
const UNPACKED_BYTES: usize = 1 << 16;

/// The chunks of a file beside the tests, of those that have been packed.
fn chunks(name: &str) -> Vec<Vec<u8>> {
    let path = [env!("CARGO_MANIFEST_DIR"), "tests/data", name].into_iter();
    let bytes = std::fs::read(path.collect::<std::path::PathBuf>()).expect("beside the tests");
    let file = hdf5_pure::File::from_bytes(bytes.clone()).expect("sound");
    let mut found = Vec::new();
    for group in file.root().groups().expect("sound") {
        let group = file.group(&group).expect("it is there");
        for dataset in group.datasets().expect("sound") {
            let dataset = group.dataset(&dataset).expect("it is there");
            if dataset.filters().is_empty() {
                continue;
            }
            for chunk in dataset.chunks().expect("sound").into_iter().take(2) {
                let [start, length] = [chunk.address, chunk.storage_size]
                    .map(|number| usize::try_from(number).expect("small"));
                if chunk.filter_mask == 0 && length <= CHUNK_BYTES {
                    found.push(bytes[start..start + length].to_vec());
                }
            }
        }
    }
    assert!(!found.is_empty(), "{name} has no chunk of {CHUNK_BYTES} bytes at most");
    found
}

/// A chunk of one block, packed by LZ4.
fn blosc_packed(bytes: &[u8]) -> Vec<u8> {
    let packed = lz4_flex::block::compress(bytes);
    // A part as long as what it holds is not packed.
    let part = if packed.len() < bytes.len() { packed.as_slice() } else { bytes };
    let [whole, behind, part_bytes] = [bytes.len(), 24 + part.len(), part.len()]
        .map(|number| u32::try_from(number).expect("small").to_le_bytes());
    let head = [2, 1, 1 << 5 | 16, 1];
    let place = 20_u32.to_le_bytes();
    [&head, &whole, &whole, &behind, &place, &part_bytes, part].concat()
}

/// A chunk of Blosc is unpacked to what it claims, or refused; packed again it is the same.
#[test]
fn blosc_chunks() {
    let files = ["blosclz_plain", "blosclz_bits", "blosclz_bytes", "lz4_bits", "lz4_bytes"];
    let more = ["zlib_bytes", "zstd_bits", "zstd_bytes"];
    let names = files.iter().chain(&more).map(|name| format!("dsec_{name}.h5"));
    let mut examples: Vec<Vec<u8>> = names.flat_map(|name| chunks(&name)).collect();
    examples.push(blosc_packed(&[7; 300]));
    let target = Target::new("blosc_chunks", examples).bytes_max(CHUNK_BYTES);
    target.run(|input| {
        let unpacked = match blosc::unpack(input, UNPACKED_BYTES) {
            Ok(unpacked) => unpacked,
            Err(problem) => {
                assert!(!problem.is_empty());
                return false;
            }
        };
        let claimed = u32::from_le_bytes([input[4], input[5], input[6], input[7]]);
        assert_eq!(unpacked.len(), claimed as usize);
        assert!(unpacked.len() <= UNPACKED_BYTES);
        assert_eq!(blosc::unpack(&blosc_packed(&unpacked), UNPACKED_BYTES), Ok(unpacked));
        true
    });
}

/// Records of events as ECF packs them, every run of one; `None` where a column is beyond 11 bits.
fn ecf_packed(records: &[u8]) -> Option<Vec<u8>> {
    let records = records.as_chunks::<{ ecf::EVENT_BYTES }>().0;
    let half =
        |record: &[u8; ecf::EVENT_BYTES], at| u16::from_le_bytes([record[at], record[at + 1]]);
    let time = |record: &[u8; ecf::EVENT_BYTES]| {
        u64::from_le_bytes(*record.last_chunk().expect("16 bytes"))
    };
    let count = u32::try_from(records.len()).expect("few");
    let mut packed = (count << 2).to_le_bytes().to_vec();
    let mut latest_us = records.first().map_or(0, time);
    packed.extend(latest_us.to_le_bytes());
    for record in records {
        let mut rest_us = time(record).checked_sub(latest_us).expect("time only grows");
        latest_us = time(record);
        while rest_us > 0 {
            packed.push(0xF0 | (rest_us & 15) as u8);
            rest_us >>= 4;
        }
        packed.push(1);
    }
    for record in records {
        packed.extend((half(record, 2) << 5 | 1).to_le_bytes());
    }
    for record in records {
        let column = half(record, 0);
        if column >= 1 << 11 {
            return None;
        }
        packed.extend((column << 5).to_le_bytes());
    }
    packed.extend(records.iter().map(|record| record[4] << 7 | 1));
    Some(packed)
}

/// A chunk of ECF holds as many events as it claims, or is refused; packed again it is the same.
#[test]
fn ecf_chunks() {
    let files =
        ["all", "columns", "mixed", "rows", "tiny"].map(|name| format!("prophesee_{name}.h5"));
    let mut examples: Vec<Vec<u8>> = files.iter().flat_map(|name| chunks(name)).collect();
    let record = |t_us: u64, x: u8| [&[x, 0, 3, 0, 1, 0, 0, 0], &t_us.to_le_bytes()[..]].concat();
    let records = [record(9, 3), record(9, 4), record(9_000, 200)].concat();
    examples.push(ecf_packed(&records).expect("columns are small"));
    let target = Target::new("ecf_chunks", examples).bytes_max(CHUNK_BYTES);
    target.memory_bytes_max(4 << 20).run(|input| {
        let records = match ecf::unpack(input, UNPACKED_BYTES) {
            Ok(records) => records,
            Err(problem) => {
                assert!(!problem.is_empty());
                return false;
            }
        };
        let head = u32::from_le_bytes([input[0], input[1], input[2], input[3]]);
        assert_eq!(records.len(), (head >> 2) as usize * ecf::EVENT_BYTES);
        assert!(records.len() <= UNPACKED_BYTES);
        if let Some(packed) = ecf_packed(&records) {
            assert_eq!(ecf::unpack(&packed, UNPACKED_BYTES), Ok(records));
        }
        true
    });
}
