//! Labelled samples in HDF5, made by `tests/data/make_samples.py` with h5py and PyTables, read as what
//! went into them; and bytes that lie.

#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

use std::{
    fs,
    io::{Cursor, Read as _},
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use spiked_recordings::{
    open,
    samples::{AddressEvent, Label, Sample, Samples, SamplesFormat, Split, is_samples, write},
    write::Kind,
};

const CLASSES: [&str; 7] = ["null", "eins", "zwei", "drei", "zero", "one", "two"];
const DIGITS: [&str; 4] = ["o", "1", "2z", "47o1"];

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/data", name].iter().collect()
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(file(name)).unwrap()
}

/// The spikes of a sample, by the rule of the script.
fn spikes(index: u64, channels: u64) -> Vec<AddressEvent> {
    let spike = |k: u64| AddressEvent {
        // To the nearest µs, and up from the middle of two.
        time: ((index + k * k * 9) * 1_000_000 + 512) / 1_024,
        index: ((index * 131 + k * 97) % channels).try_into().unwrap(),
    };
    (0..index * 3 % 8).map(spike).collect()
}

/// All samples, each read behind one from the file's other end: none depends on the one before.
fn all(samples: &mut Samples) -> Vec<Sample> {
    let count = samples.count();
    let read = |index| {
        samples.read(count - 1 - index).unwrap();
        samples.read(index).unwrap()
    };
    (0..count).map(read).collect()
}

/// Caught: chunks that are mixed up; times of 16 bits taken for others; a window's end.
#[test]
fn samples_of_the_heidelberg_layout_are_what_went_in() {
    for (name, count, has_classes, speaker) in [
        ("shd_tiny.h5", 6, true, Some("")),
        ("shd_tables.h5", 40, true, Some("")),
        ("ssc_gzip.h5", 300, true, Some("speaker ")),
        ("shd_bare.h5", 20, false, None),
    ] {
        assert!(is_samples(&file(name)), "{name}");
        let mut samples = Samples::open(file(name), None).unwrap();
        assert_eq!(samples.format(), SamplesFormat::Heidelberg, "{name}");
        assert_eq!((samples.count(), samples.channels()), (count, 700), "{name}");
        assert_eq!((samples.split(), samples.splits().len()), (None, 0), "{name}");
        let classes: &[&str] = if has_classes { &CLASSES } else { &[] };
        assert_eq!(samples.classes(), classes, "{name}");
        for (sample, index) in all(&mut samples).into_iter().zip(0..) {
            let class = u32::try_from(index % 7).unwrap();
            let expected = Sample {
                index,
                label: Label::Class(class),
                speaker: speaker.map(|before| format!("{before}{}", index % 12)),
                key: None,
                spikes: spikes(index, 700),
                backward_steps: if index == 5 { 6 } else { 0 },
            };
            assert_eq!(sample, expected, "{name}");
            assert_eq!(samples.class_name(&sample.label), classes.get(class as usize).copied());
        }
    }
}

#[test]
fn samples_of_tidigits_are_what_went_in_by_their_split() {
    for (name, split, count, first) in [
        ("tidigits_tiny.h5", None, 3, 0),
        ("tidigits_tiny.h5", Some(Split::Train), 3, 0),
        ("tidigits_tiny.h5", Some(Split::Test), 2, 100),
        ("tidigits_any.h5", None, 40, 0),
    ] {
        assert!(is_samples(&file(name)), "{name}");
        let mut samples = Samples::open(file(name), split).unwrap();
        assert_eq!(samples.format(), SamplesFormat::Tidigits, "{name}");
        assert_eq!((samples.count(), samples.channels()), (count, 64), "{name}");
        assert_eq!(samples.split(), Some(split.unwrap_or(Split::Train)), "{name}");
        for (sample, index) in all(&mut samples).into_iter().zip(0..) {
            let number = first + index;
            let digits = DIGITS[usize::try_from(number % 4).unwrap()];
            let expected = Sample {
                index,
                label: Label::Text(digits.to_owned()),
                speaker: None,
                key: Some(format!("ae-{number}-{digits}")),
                spikes: spikes(number, 64),
                backward_steps: if number == 5 { 6 } else { 0 },
            };
            assert_eq!(sample, expected, "{name}");
        }
    }
}

#[test]
fn what_is_not_there_is_told() {
    let refusal = |path: &Path, split| Samples::open(path, split).unwrap_err().fault.to_string();
    let asked = refusal(&file("shd_tiny.h5"), Some(Split::Test));
    assert_eq!(asked, "has no samples for test, all that it has are of one kind");
    let asked = refusal(&file("tidigits_any.h5"), Some(Split::Test));
    assert_eq!(asked, "has no samples for test, but for train");
    assert_eq!(refusal(&file("none.h5"), None), "no such file");
    let camera = refusal(&file("dsec_tiny.h5"), None);
    assert!(camera.ends_with("it holds no samples: neither spikes nor train_timestamps"));
    for no_samples in ["dsec_tiny.h5", "dvs_big.mcap", "make.py", "none.h5", ""] {
        assert!(!is_samples(&file(no_samples)), "{no_samples}");
    }
    let mut samples = Samples::open(file("shd_tiny.h5"), None).unwrap();
    let told = samples.read(6).unwrap_err().fault.to_string();
    assert_eq!(told, "sample 6 isn't there: the file has 6 samples");
    let told = open(file("shd_tiny.h5")).unwrap_err().fault.to_string();
    assert_eq!(told, "holds labelled samples of spikes: none of a camera's events");
}

/// Puts other bytes in the place of the first that are like this.
fn with(name: &str, place: &[u8], change: impl Fn(&mut [u8])) -> tempfile::NamedTempFile {
    let mut bytes = bytes(name);
    let at = bytes.windows(place.len()).position(|window| window == place);
    let at = at.expect("it is there");
    change(&mut bytes[at..][..place.len()]);
    let changed = tempfile::NamedTempFile::new().unwrap();
    fs::write(&changed, bytes).unwrap();
    changed
}

/// What is done to bytes.
type Change = fn(&mut [u8]);

fn words(values: impl IntoIterator<Item = u16>) -> Vec<u8> {
    values.into_iter().flat_map(u16::to_le_bytes).collect()
}

/// Only the sample that is damaged is refused, by its own fault.
#[test]
fn a_damaged_sample_is_named_and_the_others_are_read() {
    let units = words((0..6).map(|k| (262 + k * 97) % 700));
    // 2/1024 and 11/1024 with 10 bits behind the point of 16.
    let times = words([0x1800, 0x2180]);
    let labels = words(0..6);
    // Rows of 16 bytes begin with a length; those of samples 1 to 3 are 3, 6 and 1.
    let whole = bytes("shd_tiny.h5");
    let begins =
        |at: usize, row: usize, length: u8| whole[at + row * 16..][..4] == [length, 0, 0, 0];
    let rows = |&at: &usize| begins(at, 0, 3) && begins(at, 1, 6) && begins(at, 2, 1);
    let row = (0..whole.len() - 48).find(rows).expect("it is there") + 16;
    let reference = whole[row..row + 16].to_vec();
    let cases: [(&[u8], Change, &str); 7] = [
        (
            &units,
            |it| it[2..4].copy_from_slice(&700_u16.to_le_bytes()),
            "has channel 700 for spike 1, expected a whole number below 700",
        ),
        (&times, |it| it[3] = 0x7E, "has NaN s as the time of spike 1, expected 0 to 1000000"),
        (
            &times,
            |it| it[3] |= 0x80,
            "has -0.0107421875 s as the time of spike 1, expected 0 to 1000000",
        ),
        (&times, |it| it[1] = 0x7C, "has inf s as the time of spike 0, expected 0 to 1000000"),
        (&labels, |it| it[4] = 7, "has the label 7, expected a whole number below 7"),
        (&reference, |it| it[0] = 5, "which has 12"),
        (
            &reference,
            |it| it[3] = 0x7F,
            "expected 4194304 at most, and no more than the file holds",
        ),
    ];
    for (place, change, expected) in cases {
        let changed = with("shd_tiny.h5", place, change);
        let mut samples = Samples::open(&changed, None).unwrap();
        for index in 0..6 {
            match samples.read(index) {
                Ok(sample) => {
                    assert!(index != 2, "{expected}");
                    assert_eq!(sample.spikes, spikes(index, 700), "{expected}");
                }
                Err(error) => {
                    let told = error.fault.to_string();
                    assert!(index == 2 && told.starts_with("sample 2 "), "{told}: {expected}");
                    assert!(told.ends_with(expected), "{told}, not {expected}");
                }
            }
        }
    }
}

/// A chunk that claims more than a GiB of a file of 16 KB is refused before room is made for it.
#[test]
fn a_chunk_longer_than_the_file_is_refused() {
    // An index of chunks says how many there are, and what lies behind the last makes another one.
    const COUNT: usize = 3_142;
    const BEHIND: usize = 4_827;
    let mut bytes = bytes("shd_tables.h5");
    assert_eq!(bytes[COUNT], 3);
    bytes[COUNT] = 246;
    bytes[BEHIND..][..4].copy_from_slice(b"TREE");
    let changed = tempfile::NamedTempFile::new().unwrap();
    fs::write(&changed, bytes).unwrap();
    let told = Samples::open(&changed, None).unwrap_err().fault.to_string();
    let expected =
        "has 1409286144 as length of a chunk at byte 0, expected less, by the file's length";
    assert_eq!(told, expected);
}

#[test]
fn a_name_that_no_array_has_is_told() {
    let changed = with("tidigits_tiny.h5", b"ae-1-1\0ae-2-2z", |key| key[3] = b'7');
    let mut samples = Samples::open(&changed, None).unwrap();
    assert_eq!(samples.read(0).unwrap().spikes, spikes(0, 64));
    let told = samples.read(1).unwrap_err().fault.to_string();
    let expected = "sample 1 is called \"ae-7-1\", which is no array of train_timestamps";
    assert!(told.starts_with(expected), "{told}");
    assert_eq!(samples.read(2).unwrap().spikes, spikes(2, 64));
}

/// An array's bytes by its name in an archive, behind NumPy's header.
fn array(archive: &[u8], name: &str) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut bytes = Vec::new();
    archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
    bytes.split_off(128)
}

#[test]
fn spikes_are_written_as_text_and_as_arrays() {
    let written = |kind| {
        let mut writer = write::Writer::new(kind, Vec::new()).unwrap()?;
        writer.write(&spikes(1, 700)).unwrap();
        writer.write(&spikes(3, 700)).unwrap();
        Some(writer.finish().unwrap())
    };
    let text = "t_us,address\n977,131\n9766,228\n36133,325\n2930,393\n";
    assert_eq!(String::from_utf8(written(Kind::Csv).unwrap()).unwrap(), text);
    let archive = written(Kind::Npz).unwrap();
    let times = [977_i64, 9_766, 36_133, 2_930].map(i64::to_le_bytes).concat();
    let addresses = [131_u32, 228, 325, 393].map(u32::to_le_bytes).concat();
    assert_eq!(array(&archive, "t.npy"), times);
    assert_eq!(array(&archive, "address.npy"), addresses);
    for camera in [Kind::Evt2, Kind::Evt3, Kind::Dat, Kind::Aedat4, Kind::EventStream] {
        assert!(written(camera).is_none(), "{camera}");
    }
}

/// A file that lacks its end is refused when it is opened, unless nothing of it is missed.
#[test]
fn a_file_cut_anywhere_is_refused_or_gives_all_samples() {
    for (name, split) in [("shd_tiny.h5", None), ("tidigits_tiny.h5", Some(Split::Test))] {
        let all = |path: &Path| -> Vec<Option<Sample>> {
            let Ok(mut samples) = Samples::open(path, split) else { return Vec::new() };
            (0..samples.count().min(50)).map(|index| samples.read(index).ok()).collect()
        };
        let (whole, expected) = (bytes(name), all(&file(name)));
        assert!(expected.len() > 1 && expected.iter().all(Option::is_some));
        let changed = tempfile::NamedTempFile::new().unwrap();
        for cut in 0..whole.len() {
            fs::write(&changed, &whole[..cut]).unwrap();
            let read = all(changed.path());
            assert!(read.is_empty() || read == expected, "{name} cut at byte {cut}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn wrong_bytes_do_no_harm(
        name in prop::sample::select(&["shd_tiny.h5", "shd_tables.h5", "tidigits_tiny.h5"][..]),
        wrong in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = bytes(name);
        for (place, value) in wrong {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        let changed = tempfile::NamedTempFile::new().unwrap();
        fs::write(&changed, &bytes).unwrap();
        if let Ok(mut samples) = Samples::open(&changed, None) {
            for index in 0..samples.count().min(50) {
                match samples.read(index) {
                    Ok(sample) => {
                        let spikes = sample.spikes;
                        prop_assert!(spikes.iter().all(|spike| spike.index < samples.channels()));
                        prop_assert!(spikes.is_sorted_by_key(|spike| spike.time));
                    }
                    Err(error) => prop_assert!(!error.to_string().is_empty()),
                }
            }
        }
    }
}
