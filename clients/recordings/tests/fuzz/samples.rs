//! HDF5 files of labelled samples, of every layout that is read.

use std::fs;

use spiked_fuzz::Target;
use spiked_recordings::{
    samples::{AddressEvent, Label, Sample, Samples, Split, Timeline, write::Writer},
    write::Kind,
};

use crate::shared;

/// A file may claim any number of samples: these are enough.
const SAMPLES_READ: u64 = 12;

/// What a sample says must be so: its label has a name where the file names classes, its spikes have
/// channels that there are, and come in order.
fn check(samples: &Samples, sample: &Sample) {
    if let Label::Class(_) = sample.label {
        assert!(samples.classes().is_empty() || samples.class_name(&sample.label).is_some());
    }
    assert!(sample.spikes.iter().all(|spike| spike.index < samples.channels()));
    assert!(sample.spikes.is_sorted_by_key(|spike| spike.time));
    assert!(sample.spikes.last().is_none_or(|last| last.time == sample.last_us()));
}

/// Spikes as text, and read again.
fn through_text(spikes: &[AddressEvent]) -> Vec<AddressEvent> {
    let mut writer = Writer::new(Kind::Csv, Vec::new()).expect("a vector takes all").expect("text");
    writer.write(spikes).expect("a vector takes all");
    let text = writer.finish().expect("a vector takes all");
    let text = String::from_utf8(text).expect("text");
    let spike = |line: &str| {
        let (time, index) = line.split_once(',').expect("two columns");
        let [time, index] = [time, index].map(|cell| cell.parse().expect("a number"));
        AddressEvent { time, index: u32::try_from(index).expect("a channel") }
    };
    text.lines().skip(1).map(spike).collect()
}

/// Any file is refused or gives samples, each of which is refused or read, in whichever order, as
/// the same.
#[test]
fn sample_files() {
    let names = ["shd_tiny.h5", "shd_bare.h5", "shd_tables.h5", "tidigits_tiny.h5"];
    let words: [&[u8]; 12] = [
        b"TREE",
        b"SNOD",
        b"HEAP",
        b"GCOL",
        b"spikes",
        b"labels",
        b"train_labels",
        b"test_labels",
        b"train_timestamps",
        b"extra",
        // One channel more than there are.
        &700_u16.to_le_bytes(),
        &64_i64.to_le_bytes(),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let target = Target::new("sample_files", names.map(shared).to_vec()).words(&words);
    target.bytes_max(16_384).memory_bytes_max(16 << 20).run(|input| {
        let path = folder.path().join(format!("{:?}.h5", std::thread::current().id()));
        fs::write(&path, input).expect("a small file");
        let split = input.last().filter(|byte| **byte % 4 == 1).map(|_| Split::Test);
        let Ok(mut samples) = Samples::open(&path, split) else { return false };
        let count = samples.count().min(SAMPLES_READ);
        let mut timeline = Timeline::new(1_000);
        let mut read = Vec::new();
        for index in 0..count {
            let Ok(sample) = samples.read(index) else { continue };
            check(&samples, &sample);
            assert_eq!(
                (sample.index, through_text(&sample.spikes)),
                (index, sample.spikes.clone())
            );
            let mut placed = sample.clone();
            let place = timeline.place(&mut placed).expect("times are far below the end");
            let inside = place.start_us..place.end_us;
            assert!(placed.spikes.iter().all(|spike| inside.contains(&spike.time)));
            read.push(sample);
        }
        for sample in read.iter().rev() {
            assert_eq!(samples.read(sample.index).as_ref().ok(), Some(sample));
        }
        !read.is_empty() || count == 0
    });
}
