//! Labelled samples and labelled segments, from files of the field's own tools to what a user sees.

use std::{fs, path::PathBuf};

use spiked_recordings::labels;

use crate::{
    files::{Folder, texture},
    process::tell,
};

/// A file that lies beside the tests of the readers.
fn file(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../recordings/tests/data");
    let path: PathBuf = [folder, name].iter().collect();
    path.display().to_string()
}

#[test]
fn info_sums_samples_up() {
    let told = tell(["info", &file("shd_tables.h5")]).done();
    assert_eq!(told.value("format"), "HDF5 of labelled samples (SHD, SSC)");
    assert_eq!(told.value("samples"), "40");
    assert_eq!(told.value("labels"), "7 different (null, eins, zwei, drei, ...)");
    assert_eq!(told.value("speakers"), "12");
    assert_eq!(told.value("spikes"), "140, 0 to 7 in a sample");
    let told = tell(["info", &file("tidigits_tiny.h5"), "--split", "test"]).done();
    assert_eq!(told.value("samples"), "2 for test; --split train shows the others");
    let told = tell(["info", &file("shd_tiny.h5"), "--split", "test"]);
    assert_eq!(told.status, Some(1));
    assert!(told.stderr.contains("has no samples for test"), "{}", told.stderr);
}

/// Caught: spikes that lie elsewhere than their labels say.
#[test]
fn samples_are_one_stream_with_their_labels_beside() {
    let folder = Folder::new();
    let out = folder.path("out.csv");
    let [input, name] = [file("shd_tables.h5"), out.display().to_string()];
    tell(["convert", &input, &name, "--gap", "50ms"]).done();
    let text = fs::read_to_string(&out).expect("spikes");
    let time = |line: &str| line.split(',').next().and_then(|time| time.parse::<u64>().ok());
    let times: Vec<u64> = text.lines().skip(1).map(|line| time(line).expect("a time")).collect();
    assert_eq!(times.len(), 140);
    let segments = labels::read(folder.path("out_labels.csv")).expect("labels");
    assert_eq!(segments.len(), 40);
    let inside = segments
        .iter()
        .map(|segment| times.iter().filter(|&&time| segment.span.contains(time)).count() as u64);
    assert!(inside.eq((0..40).map(|index| index * 3 % 8)), "each has its own spikes");
    let classes = segments.iter().map(|segment| segment.label);
    assert!(classes.eq((0..40).map(|index| index % 7)));
    let gaps = segments.array_windows().map(|[one, next]| next.span.start_us - one.span.end_us);
    assert!(gaps.into_iter().all(|gap| gap == 50_000));
    let first = fs::read_to_string(folder.path("out_labels.csv")).expect("labels");
    assert_eq!(first.lines().nth(2), Some("1,50000,86134,1,eins,1"));

    tell(["convert", &input, &name, "--sample", "2"]).done();
    let text = fs::read_to_string(&out).expect("spikes");
    assert_eq!(text.lines().count(), 1 + 6);
    assert_eq!(text.lines().nth(1), Some("1953,262"));
}

#[test]
fn misuse_of_samples_is_told_with_a_way_out() {
    let folder = Folder::new();
    let out = |name: &str| folder.path(name).display().to_string();
    let input = file("shd_tiny.h5");
    for (arguments, status, expected) in [
        (vec!["convert", &input, &out("o.es")], 2, "--to csv or --to npz"),
        (vec!["convert", &input, &out("o.csv"), "--from-zero"], 2, "--from-zero is for recordings"),
        (vec!["convert", &input, &out("o.csv"), "--sample", "6"], 1, "the file has 6 samples"),
        (vec!["run", "motion", &input], 1, "`spiked info` says what it holds"),
        (
            vec!["convert", &file("atis.es"), &out("o.csv"), "--gap", "1s"],
            2,
            "--gap is for labelled",
        ),
        (vec!["convert", &file("color.es"), &out("o.csv")], 1, "events of color"),
    ] {
        let told = tell(&arguments);
        assert_eq!(told.status, Some(status), "{arguments:?}: {}", told.stderr);
        assert!(told.stderr.contains(expected), "{arguments:?}: {}", told.stderr);
    }
    assert!(!folder.path("o.es").exists(), "nothing stands under the name");
}

#[test]
fn a_labelled_segment_is_shown_and_cut_out() {
    let folder = Folder::new();
    let recording = folder.texture().display().to_string();
    let out = folder.path("cut.csv").display().to_string();
    let told = tell(["convert", &recording, &out, "--segment", "1"]);
    assert_eq!(told.status, Some(2));
    assert!(told.stderr.contains("texture_labels.csv"), "{}", told.stderr);

    let text = "class,startTime_usec,endTime_usec\n3,0,20000\n7,100000,150000\n";
    folder.write("texture_labels.csv", text);
    let labels = tell(["info", &recording]).done().value("labels").to_owned();
    assert!(labels.starts_with("2 segments of 2 classes, 0.000000 s to 0.150000 s"), "{labels}");
    tell(["convert", &recording, &out, "--segment", "1"]).done();
    let inside = texture().iter().filter(|it| (100_000..150_000).contains(&it.t_us)).count();
    assert!(inside > 0);
    assert_eq!(fs::read_to_string(&out).expect("events").lines().count(), 1 + inside);
    let told = tell(["convert", &recording, &out, "--segment", "2"]);
    assert!(told.stderr.contains("has 2 segments, and none of number 2"), "{}", told.stderr);

    folder.write("texture_labels.csv", "class,startTime_usec,endTime_usec\n3,0,soon\n");
    let told = tell(["info", &recording]);
    assert_eq!(told.status, Some(1));
    assert!(told.stderr.contains("\"soon\" as endTime_usec in line 2"), "{}", told.stderr);
    assert!(told.stdout.contains("polarity"), "what the recording holds is told all the same");
}
