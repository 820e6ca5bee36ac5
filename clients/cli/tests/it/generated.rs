//! `spiked generate dvs` from end to end: what is made is read, and shows what was there.

use std::{fs, path::Path, process::Stdio, thread, time::Duration};

use serde_json::Value;

use crate::process::{Told, signal, spiked, tell};

fn generate(folder: &Path, name: &str, more: &[&str]) -> (String, Told) {
    let path = folder.join(name).to_str().expect("plain").to_owned();
    let told = tell([&["generate", "dvs", &path][..], more].concat()).done();
    (path, told)
}

fn row(told: &Told, name: &str) -> String {
    let found = told.stdout.lines().find_map(|line| line.strip_prefix(name));
    found.unwrap_or_else(|| panic!("no {name} in:\n{}", told.stdout)).trim().to_owned()
}

fn truth(folder: &Path, name: &str) -> Value {
    let text = fs::read_to_string(folder.join(name)).expect("it stands beside");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn every_scene_is_read_back_as_what_was_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let small = ["--size", "64x48", "--for", "300ms"];
    for (name, more) in [
        ("texture.es", &[][..]),
        ("grating.raw", &["--scene", "grating", "--wavelength", "12", "--direction", "-30"]),
        ("bars.dat", &["--scene", "bars", "--speed", "0.2"]),
        ("noisy.aedat4", &["--background", "20", "--hot", "3", "--latency", "150us"]),
        ("paper.npz", &["--selectivity", "2"]),
        ("text.csv", &["--scene", "bars"]),
    ] {
        let (path, made) = generate(folder.path(), name, &[&small, more].concat());
        let events = row(&made, "events").split(',').next().expect("a count").to_owned();
        let info = tell(["info", &path]).done();
        assert_eq!(row(&info, "events"), events, "{name}");
        let stem = name.split('.').next().expect("a stem");
        let truth = truth(folder.path(), &format!("{stem}.truth.json"));
        let count = truth["events"].as_u64().expect("a number");
        assert!(count > 1_000 && events.replace(' ', "") == count.to_string(), "{name}: {truth}");
        let bytes = fs::read(&path).expect("written");
        generate(folder.path(), name, &[&small, more].concat());
        assert!(fs::read(&path).expect("written") == bytes, "{name} the second time");
    }
    let noisy = truth(folder.path(), "noisy.truth.json");
    assert_eq!(noisy["hot_pixels"].as_array().map(Vec::len), Some(3));
    assert!(noisy["background_events"].as_u64() > Some(10_000), "{noisy}");
}

/// The network that knows directions by their timing knows those of this camera, too.
#[test]
fn a_network_sees_which_way_the_scene_moves() {
    let folder = tempfile::tempdir().expect("a folder");
    for (direction, label) in [("0", "E"), ("90", "S"), ("180", "W"), ("-90", "N")] {
        let more = ["--direction", direction, "--selectivity", "2", "--size", "64x64"];
        let (path, _) = generate(folder.path(), "moves.es", &more);
        let output = folder.path().join("told.csv");
        tell(["run", "demo", &path, "-o", output.to_str().expect("plain")]).done();
        let told = fs::read_to_string(output).expect("written");
        let decided: Vec<&str> = told
            .lines()
            .filter(|line| line.starts_with("decision,"))
            .filter_map(|line| line.split(',').nth(11))
            .collect();
        let right = decided.iter().filter(|what| **what == label).count();
        assert!(decided.len() > 500, "{} decisions", decided.len());
        assert!(right * 10 > decided.len() * 8, "{right} of {} say {label}", decided.len());
    }
}

#[test]
fn an_image_is_looked_at_and_another_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = folder.path().join("photo.png");
    let mut encoder = png::Encoder::new(fs::File::create(&image).expect("made"), 32, 32);
    encoder.set_color(png::ColorType::Rgb);
    let pixels: Vec<u8> = (0..32 * 32 * 3_u32).map(|n| (n * 37 % 251) as u8).collect();
    encoder.write_header().expect("written").write_image_data(&pixels).expect("written");
    let image = image.to_str().expect("plain");
    let (path, _) = generate(folder.path(), "photo.es", &["--image", image, "--for", "50ms"]);
    assert!(row(&tell(["info", &path]).done(), "events").len() > 4);
    let none = folder.path().join("none.png");
    fs::write(&none, "no picture").expect("written");
    let out = folder.path().join("none.es");
    let arguments = ["--image", none.to_str().expect("plain")];
    let told = tell([&["generate", "dvs", out.to_str().expect("plain")], &arguments[..]].concat());
    assert_eq!(told.status, Some(1), "{}", told.stderr);
    assert!(told.stderr.contains("none.png: is no PNG file"), "{}", told.stderr);
    assert!(!out.exists());
}

#[test]
fn what_cannot_be_made_is_said_in_a_line() {
    let refused = |more: &[&str], said: &str| {
        let told = tell([&["generate", "dvs", "x.es"], more].concat());
        assert_eq!(told.status, Some(2), "{more:?}: {}", told.stderr);
        assert!(told.stderr.contains(said), "{more:?}: {}", told.stderr);
    };
    refused(&["--threshold", "0"], "threshold 0: must be");
    refused(&["--size", "4x4"], "4x4 px");
    refused(&["--scene", "bars", "--width", "40"], "length 40 px");
    refused(&["--hot", "1000000"], "1000000 hot pixels");
    refused(&["--selectivity", "2", "--hot", "1"], "cannot be used with");
    refused(&["--latency", "2s"], "--latency: at most 1 s");
    let told = tell(["generate", "dvs", "x.nothing"]);
    assert!(told.stderr.contains("says no format"), "{}", told.stderr);
}

#[test]
fn interrupted_it_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("long.es");
    let mut child = spiked(["generate", "dvs", out.to_str().expect("plain"), "--for", "10000s"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("spiked runs");
    let begun = || fs::read_dir(folder.path()).expect("a folder").count() > 0;
    while !begun() {
        thread::sleep(Duration::from_millis(5));
    }
    signal(&child, "INT");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(!begun(), "nothing is left");
}
