//! The networks that come along: all of them can be opened, and mean what they say.

use std::collections::BTreeSet;
use std::path::Path;

use sim_core::network::SensorSize;
use spiked_proto::v1;
use spiked_server::networks::{Repository, text};

const NETWORKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/networks");

fn camera(width: u32, height: u32) -> Vec<(String, SensorSize)> {
    vec![("camera".into(), SensorSize { width, height })]
}

/// Also seen to fail when a folder was added and the binary not built again.
#[test]
fn every_folder_is_in_the_binary_and_nothing_else() {
    let folders = std::fs::read_dir(NETWORKS).unwrap();
    let folders: BTreeSet<String> =
        folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    let listed = Repository::open(None).unwrap().list();
    for info in &listed {
        assert_eq!((info.problem.as_ref(), info.version.as_str()), (None, "1"), "{}", info.name);
        assert!(!info.description.is_empty(), "{}", info.name);
    }
    let listed: BTreeSet<String> = listed.into_iter().map(|info| info.name).collect();
    assert_eq!(listed, folders);
}

#[test]
fn every_network_that_comes_along_can_run() {
    let repository = Repository::open(None).unwrap();
    for (name, sensors) in [
        ("motion", camera(320, 240)),
        ("motion-full", camera(320, 240)),
        ("motion-1us", camera(64, 48)),
        ("delay-line", Vec::new()),
        ("brunel", Vec::new()),
        ("swept-edge", Vec::new()),
        ("early-stop", Vec::new()),
        ("liquid", Vec::new()),
        ("pool", camera(320, 240)),
    ] {
        let loaded = repository.plan(name, "", &sensors).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((loaded.name.as_str(), loaded.version.as_str()), (name, "1"));
    }
}

/// Catches labels that go the other way round, and a kernel whose y counts upwards: what each class
/// is tuned to must be what its name says on a screen whose rows count down.
#[test]
fn the_label_of_each_class_is_where_its_kernel_goes() {
    for name in ["motion", "motion-full", "motion-1us"] {
        let described = text::read(&Path::new(NETWORKS).join(name)).unwrap();
        let Some(v1::readout::Rule::Vote(vote)) = &described.network.readouts[0].rule else {
            panic!("no vote");
        };
        let kernel = described.blobs.values().next().unwrap();
        let weights: Vec<f64> =
            kernel.as_chunks().0.iter().map(|weight| f64::from_le_bytes(*weight)).collect();
        for (class, label) in vote.labels.iter().enumerate() {
            assert_eq!(name_of(goes_by(&weights, class)), *label, "class {class} of {name}");
        }
    }
}

/// How far the largest ON weight of a class moves from delay 0 to delay 15 [px]: (x, y).
fn goes_by(weights: &[f64], class: usize) -> (f64, f64) {
    const SIDE: usize = 17;
    const ON: usize = 1;
    let place = |delay: usize| {
        let from = ((class * 2 + ON) * 21 + delay) * SIDE * SIDE;
        let slice = &weights[from..from + SIDE * SIDE];
        // The centre of what is positive: finer than the largest weight alone.
        let sum = |of: fn(usize) -> usize| {
            let positive = slice.iter().enumerate().filter(|(_, weight)| **weight > 0.0);
            positive.map(|(index, weight)| of(index) as f64 * weight).sum::<f64>()
        };
        let all = sum(|_| 1);
        (sum(|index| index % SIDE) / all, sum(|index| index / SIDE) / all)
    };
    let ((x0, y0), (x1, y1)) = (place(0), place(15));
    (x1 - x0, y1 - y0)
}

/// The compass point of twelve for a step on a screen, y down.
fn name_of((x, y): (f64, f64)) -> &'static str {
    let points = ["E", "ENE", "NNE", "N", "NNW", "WNW", "W", "WSW", "SSW", "S", "SSE", "ESE"];
    let anticlockwise_deg = (-y).atan2(x).to_degrees().rem_euclid(360.0);
    let nearest = |index: &usize| {
        let off = (anticlockwise_deg - 30.0 * *index as f64).rem_euclid(360.0);
        off.min(360.0 - off)
    };
    let best = (0..12).min_by(|a, b| nearest(a).total_cmp(&nearest(b)));
    points[best.unwrap()]
}
