//! HDF5 files, made by `tests/data/make.py` with h5py and hdf5plugin, read as what went into them.

use std::{fs, path::PathBuf};

use proptest::prelude::*;
use spiked_recordings::{CameraEvent, Fault, Format, open};

use crate::support::{SENSOR, message, read_to_end, some_events};

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/data", name].iter().collect()
}

/// The events of a file, and why it ended.
fn read(path: &PathBuf) -> (Vec<CameraEvent>, Option<Fault>) {
    match open(path) {
        Ok(mut recording) => read_to_end(&mut recording),
        Err(error) => (Vec::new(), Some(error.fault)),
    }
}

fn later(events: Vec<CameraEvent>, offset_us: u64) -> Vec<CameraEvent> {
    let later = |event: CameraEvent| CameraEvent { t_us: event.t_us + offset_us, ..event };
    events.into_iter().map(later).collect()
}

/// Every packer and order of Blosc, and storage that the library itself knows.
#[test]
fn dsec_reads_whatever_packed_it() {
    for (name, offset_us) in [
        ("dsec_blosclz_plain.h5", 5_000_000_000),
        ("dsec_blosclz_bytes.h5", 5_000_000_000),
        ("dsec_blosclz_bits.h5", 5_000_000_000),
        ("dsec_lz4_bytes.h5", 5_000_000_000),
        ("dsec_lz4_bits.h5", 5_000_000_000),
        ("dsec_zlib_bytes.h5", 5_000_000_000),
        ("dsec_zstd_bytes.h5", 5_000_000_000),
        ("dsec_zstd_bits.h5", 5_000_000_000),
        ("dsec_deflate.h5", 0),
        ("dsec_contiguous.h5", 0),
    ] {
        let mut recording = open(file(name)).unwrap();
        assert_eq!(recording.format(), Format::Hdf5, "{name}");
        assert_eq!(recording.header()[0].1, "DSEC", "{name}");
        assert_eq!(recording.geometry(), None, "{name}");
        let (events, fault) = read_to_end(&mut recording);
        assert!(fault.is_none(), "{name}: {fault:?}");
        assert!(events == later(some_events(2_500), offset_us), "{name}");
    }
}

#[test]
fn prophesee_reads_every_style_of_its_codec() {
    for name in ["prophesee_all.h5", "prophesee_columns.h5", "prophesee_mixed.h5"] {
        let mut recording = open(file(name)).unwrap();
        assert_eq!(recording.geometry(), Some(SENSOR), "{name}");
        assert_eq!(recording.header()[0].1, "Prophesee", "{name}");
        let (events, fault) = read_to_end(&mut recording);
        assert!(fault.is_none(), "{name}: {fault:?}");
        assert!(events == some_events(2_500), "{name}");
    }
}

/// Runs of more than a count's bits, masks of neighbours, and pauses of one byte to eleven.
#[test]
fn prophesee_reads_runs_and_long_pauses() {
    let (events, fault) = read(&file("prophesee_rows.h5"));
    assert!(fault.is_none(), "{fault:?}");
    let pause_us = |run: u16| 3_u64.pow(u32::from(run % 26));
    let expected = (0..2_000_u16).map(|n| CameraEvent {
        t_us: (0..=n / 40).map(pause_us).sum(),
        x: 10 + n % 40 * 3 / 2,
        y: n / 40 % 240,
        on: n / 200 % 2 == 1,
    });
    assert!(events.into_iter().eq(expected));
}

#[test]
fn a_pipe_and_a_file_without_events_are_refused() {
    let bytes = fs::read(file("dsec_tiny.h5")).unwrap();
    assert_eq!(
        message(&bytes),
        "file: is HDF5, which can be read from a file only, not from a pipe"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.h5");
    fs::write(&path, &bytes[..8]).unwrap();
    let told = open(&path).unwrap_err().to_string();
    assert!(told.contains(": cannot be read as HDF5: "), "{told}");
}

/// The events before a chunk that cannot be unpacked come first, and the fault names its place.
#[test]
fn a_damaged_chunk_is_named_behind_what_comes_before_it() {
    let mut bytes = fs::read(file("prophesee_all.h5")).unwrap();
    // The second chunk's count of events, which is told in its first bytes.
    let head = (1_000_u32 << 2 | 2).to_le_bytes();
    let places: Vec<usize> = (0..bytes.len() - 4).filter(|&at| bytes[at..at + 4] == head).collect();
    let &[_, second, _] = places.as_slice() else { panic!("three chunks begin so: {places:?}") };
    bytes[second..second + 4].fill(0xFF);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.h5");
    fs::write(&path, bytes).unwrap();
    let (events, fault) = read(&path);
    assert!(events == some_events(1_000), "{} events", events.len());
    let told = fault.unwrap().to_string();
    assert_eq!(
        told,
        format!(
            "has a compressed part at byte {second} that cannot be decompressed: \
             claims 1073741823 events, expected 1000 at most"
        )
    );
}

/// Caught: a portion that a cut file lacks, taken for its end.
#[test]
fn a_file_cut_anywhere_gives_whole_events_and_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.h5");
    for (name, offset_us) in [("dsec_tiny.h5", 7), ("prophesee_tiny.h5", 0)] {
        let whole = fs::read(file(name)).unwrap();
        let expected = later(some_events(40), offset_us);
        assert_eq!(read(&file(name)).0, expected, "{name}");
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let (events, fault) = read(&path);
            assert!(expected.starts_with(&events), "{name} cut at byte {cut}");
            assert!(fault.is_some() || events == expected, "{name} cut at byte {cut}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever stands in some bytes, reading ends in events or a typed error.
    #[test]
    fn wrong_bytes_do_no_harm(
        name in prop::sample::select(&["dsec_tiny.h5", "prophesee_tiny.h5"][..]),
        wrong in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = fs::read(file(name)).unwrap();
        for (place, value) in wrong {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wrong.h5");
        fs::write(&path, bytes).unwrap();
        let (events, _) = read(&path);
        prop_assert!(events.len() <= 100_000);
    }
}
