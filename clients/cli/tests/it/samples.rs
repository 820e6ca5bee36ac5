//! Labelled samples and labelled segments, from files of the field's own tools to what a user sees.

use std::{fs, path::PathBuf};

use spiked_recordings::labels;

use crate::{
    files::{Folder, texture},
    process::{Daemon, tell},
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

/// A spike for each event, 2 ms later.
const RELAY: &str = r#"
name = "relay"
tick = "1 ms"
input.ear.channels = 700
population.cells = { shape = [700], neuron = { accumulator = { threshold = 0.5 } } }
projection.in = { from = "ear", to = "cells", one_to_one = { weight = 1.0, delay = "2 ms" } }
"#;

/// Whatever it hears is class 3, with two spikes or more.
const THREE: &str = r#"
name = "three"
tick = "1 ms"
input.sample.channels = 1
input.ear.channels = 700
population.classes = { shape = [7, 1], neuron = { accumulator = { threshold = 0.5 } } }
projection.hear = { from = "ear", to = "classes", synapses = "three.csv" }

[readout.choice]
from = "classes"
confidence = { begins = "sample", threshold = 0.7, scale = 2.0, within = "10 s" }
"#;

/// What `spiked convert` gives of a sample, as lines of output of the network that relays it.
fn relayed(folder: &Folder, input: &str, index: u64) -> Vec<(u64, u64)> {
    let name = folder.path("one.csv").display().to_string();
    tell(["convert", input, &name, "--sample", &index.to_string()]).done();
    let text = fs::read_to_string(&name).expect("spikes");
    let line = |line: &str| {
        let mut fields = line.split(',').map(|field| field.parse::<u64>().expect("a number"));
        let (time, address) = (fields.next().expect("a time"), fields.next().expect("a channel"));
        (time / 1_000 * 1_000 + 2_000, address)
    };
    let mut spikes: Vec<_> = text.lines().skip(1).map(line).collect();
    spikes.sort_unstable();
    spikes
}

/// The spikes of a sample in a table, and what it is said to be.
fn in_table(table: &str, index: u64) -> Vec<(u64, u64)> {
    let mut lines = table.lines();
    let header = lines.next().expect("a header");
    assert!(header.starts_with("sample,sample_label,kind,time_us,tick,port,population,address"));
    let of_sample = |line: &&str| line.split(',').next() == Some(&index.to_string());
    let spike = |line: &str| {
        let fields: Vec<_> = line.split(',').collect();
        assert_eq!((fields[1], fields[2]), ((index % 7).to_string().as_str(), "spike"));
        (fields[3].parse().expect("a time"), fields[7].parse().expect("an address"))
    };
    lines.filter(of_sample).map(spike).collect()
}

/// Caught: samples that begin where the one before ended, or in a network that is not at rest.
#[test]
fn each_sample_runs_through_the_network_from_its_own_beginning() {
    let folder = Folder::new();
    folder.write("relay/network.toml", RELAY);
    let [network, output] =
        ["relay", "out.csv"].map(|name| folder.path(name).display().to_string());
    let input = file("shd_tables.h5");
    let told = tell(["run", &network, &input, "-o", &output]).done();
    let source = format!("40 of {input}, HDF5 of labelled samples (SHD, SSC)");
    assert_eq!(told.value("samples"), source);
    assert_eq!(told.value("events"), "140");
    assert_eq!(told.value("spikes"), "140, 0 to 7 of a sample");
    assert_eq!(told.value("decisions"), "0");
    assert!(!told.stdout.contains("right"), "nothing was decided: {}", told.stdout);
    let table = fs::read_to_string(&output).expect("a table");
    assert_eq!(table.lines().count(), 1 + 140);
    for index in [0, 1, 2, 5, 39] {
        let expected = relayed(&folder, &input, index);
        assert_eq!(expected.len() as u64, index * 3 % 8);
        assert_eq!(in_table(&table, index), expected, "sample {index}");
    }

    // One of them is the same alone, and a daemon elsewhere gives the same.
    let one = tell(["run", &network, &input, "--sample", "2", "-o", "-"]).done();
    let lines: Vec<_> = table.lines().filter(|line| line.starts_with("2,")).collect();
    assert_eq!(one.stdout.lines().skip(1).collect::<Vec<_>>(), lines);
    let daemon = Daemon::start();
    let elsewhere = tell(["run", &network, &input, "--address", &daemon.address]).done();
    assert_eq!(elsewhere.value("digest"), told.value("digest"));
    let listed = tell(["sessions", "--address", &daemon.address]).done();
    assert_eq!(listed.stdout, "no sessions\n");
    let digest = |index| {
        let told = tell(["run", &network, &input, "--sample", index]).done();
        told.value("digest").to_owned()
    };
    assert_ne!(digest("2"), digest("3"));
}

/// Caught: samples that nobody begins, and labels that are compared with another sample's decision.
#[test]
fn what_is_decided_on_samples_is_compared_with_their_labels() {
    let folder = Folder::new();
    folder.write("three/network.toml", THREE);
    let synapses = (0..700).map(|channel| format!("{channel},3,1.0,1 ms\n")).collect::<String>();
    folder.write("three/three.csv", format!("from,to,weight,delay\n{synapses}"));
    let network = folder.path("three").display().to_string();
    let told = tell(["run", &network, &file("shd_tables.h5")]).done();
    // Of 40 samples 30 have two spikes or more; of these, 10, 17, 31 and 38 are of class 3.
    assert_eq!(told.value("decisions"), "30");
    let right = "4 of 40 samples (10.0 %), by each one's last decision; 10 ended undecided";
    assert_eq!(told.value("right"), right);
}

/// What comes before a sample that is damaged is told, and which that is.
#[test]
fn a_damaged_sample_ends_a_run() {
    let folder = Folder::new();
    folder.write("relay/network.toml", RELAY);
    let mut bytes = fs::read(file("shd_tiny.h5")).expect("a file");
    // Two times of sample 2, in 16 bits; the second becomes no number.
    let times = [0x00, 0x18, 0x80, 0x21];
    let at = bytes.windows(4).position(|window| window == times).expect("they are there");
    bytes[at + 3] = 0x7E;
    let [network, input] = ["relay", "shd.h5"].map(|name| folder.path(name).display().to_string());
    fs::write(&input, bytes).expect("written");
    let told = tell(["run", &network, &input]);
    assert_eq!(told.status, Some(1), "{}", told.stderr);
    assert!(told.stderr.contains("sample 2 has NaN s as the time of spike 1"), "{}", told.stderr);
    assert!(told.value("samples").starts_with("2 of "), "{}", told.stdout);
}

#[test]
fn misuse_of_samples_is_told_with_a_way_out() {
    let folder = Folder::new();
    let out = |name: &str| folder.path(name).display().to_string();
    let input = file("shd_tiny.h5");
    folder.write("three/network.toml", THREE);
    folder.write("three/three.csv", "from,to,weight,delay\n0,3,1.0,1 ms\n");
    let network = out("three");
    for (arguments, status, expected) in [
        (vec!["convert", &input, &out("o.es")], 2, "--to csv or --to npz"),
        (vec!["convert", &input, &out("o.csv"), "--from-zero"], 2, "--from-zero is for recordings"),
        (vec!["convert", &input, &out("o.csv"), "--sample", "6"], 1, "the file has 6 samples"),
        (vec!["run", "motion", &input], 2, "events of a camera, not for samples"),
        (
            vec!["run", "early-stop", &input],
            2,
            "no input port for 700 channels: its largest has 80",
        ),
        (vec!["run", &network, &input, "--port", "nose"], 2, "has no input port \"nose\""),
        (
            vec!["run", &network, &input, "--port", "sample"],
            2,
            "\"sample\" has 1 channels, and the",
        ),
        (vec!["run", &network, &input, "--sample", "6"], 2, "there is no sample 6"),
        (
            vec!["run", &network, &input, "--sample", "18446744073709551615"],
            2,
            "has 6, and the first is 0",
        ),
        (vec!["run", &network, &input, "--split", "test"], 1, "has no samples for test"),
        (vec!["run", &network, &input, "--speed", "1x"], 2, "--speed is for recordings"),
        (vec!["run", &network, &input, "--geometry", "3x3"], 2, "--geometry is for recordings"),
        (
            vec!["run", "motion", &file("atis.es"), "--sample", "1"],
            2,
            "--sample and --split are for",
        ),
        (vec!["stream", &network, &input], 2, "which no clock joins"),
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
