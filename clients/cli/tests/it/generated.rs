//! `spiked generate dvs` from end to end: what is made is read, and shows what was there.

use std::{fs, path::Path, process::Stdio, sync::Arc, thread, time::Duration};

use serde_json::Value;
use spiked_recordings::CameraEvent;
use spiked_sensors::{
    Motion,
    contrast::{ContrastCamera, Image, Scene, Settings},
};

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

/// What a file holds.
fn events(path: &str) -> Vec<CameraEvent> {
    let mut recording = spiked_recordings::open(path).expect("a recording");
    let mut events = Vec::new();
    while recording.next_events(&mut events).expect("whole") > 0 {}
    events
}

/// What a camera sees that is told the same.
fn seen(settings: Settings, steps: usize) -> Vec<CameraEvent> {
    let mut camera = ContrastCamera::new(settings).expect("it can be");
    let mut events = Vec::new();
    (0..steps).for_each(|_| camera.step(&mut events));
    events
}

/// A camera of 40 x 30 pixels that nothing else is told than a scene and how it moves.
fn plain(scene: Scene, direction_deg: f64, speed_px_per_step: f64) -> Settings {
    Settings {
        width: 40,
        height: 30,
        scene,
        motion: Motion { direction_rad: f64::to_radians(direction_deg), speed_px_per_step },
        threshold: 0.2,
        background_hz: 0.0,
        hot_pixels: 0,
        hot_hz: 100.0,
        latency_us: 0,
        seed: 1,
    }
}

/// Each argument is one of the camera's own settings. Seen to fail with each of them left at its default,
/// and with the texture turned the other way.
#[test]
fn the_camera_is_told_what_the_arguments_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let noisy = Settings {
        threshold: 0.3,
        background_hz: 11.0,
        hot_pixels: 2,
        hot_hz: 70.0,
        latency_us: 150,
        seed: 9,
        ..plain(Scene::Texture, 75.0, 0.25)
    };
    let told = "--direction 75 --speed 0.25 --threshold 0.3 --background 11 --hot 2 --hot-rate 70 \
                --latency 150us --seed 9";
    let grating = plain(Scene::Grating { wavelength_px: 12.5 }, -30.0, 0.4);
    let bars = plain(Scene::Bars { width_px: 6.0, period_px: 21.0 }, 0.0, 0.4);
    for (name, told, expected) in [
        ("texture.npz", told, noisy),
        ("grating.npz", "--scene grating --wavelength 12.5 --direction -30", grating),
        ("bars.npz", "--scene bars --width 6 --wavelength 21", bars),
    ] {
        let more: Vec<&str> = told.split_whitespace().collect();
        let more = [&["--size", "40x30", "--for", "120ms"], more.as_slice()].concat();
        let (path, _) = generate(folder.path(), name, &more);
        let (made, expected) = (events(&path), seen(expected, 120));
        assert!(made.len() > 300, "{name}: {} events prove little", made.len());
        assert!(made == expected, "{name}: {} events, not {}", made.len(), expected.len());
    }
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

/// Luminances of a colour image, and of a grey one; the same image of either sees the same. Seen to fail
/// with the weights of red and blue exchanged, and with rows for columns.
#[test]
fn an_image_is_looked_at_and_another_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let pixels: Vec<u8> = (0..32 * 24 * 3_u32).map(|n| (n * 37 % 251) as u8).collect();
    let grey = |pixel: &[u8]| f64::from(pixel[0]) / 255.0;
    let luminance = |pixel: &[u8]| {
        let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(f64::from);
        (0.299 * red + 0.587 * green + 0.114 * blue) / 255.0
    };
    for (name, color, values) in [
        ("photo", png::ColorType::Rgb, pixels.chunks(3).map(luminance).collect::<Vec<f64>>()),
        ("grey", png::ColorType::Grayscale, pixels[..32 * 24].chunks(1).map(grey).collect()),
    ] {
        let image = folder.path().join(format!("{name}.png"));
        let mut encoder = png::Encoder::new(fs::File::create(&image).expect("made"), 32, 24);
        encoder.set_color(color);
        let samples = &pixels[..32 * 24 * color.samples()];
        encoder.write_header().expect("written").write_image_data(samples).expect("written");
        let image = image.to_str().expect("plain");
        let more = ["--image", image, "--for", "50ms", "--size", "40x30"];
        let (path, _) = generate(folder.path(), &format!("{name}.npz"), &more);
        let image = Arc::new(Image { width: 32, height: 24, values });
        let (made, expected) = (events(&path), seen(plain(Scene::Image(image), 0.0, 0.4), 50));
        assert!(made.len() > 1_000, "{name}: {} events prove little", made.len());
        assert!(made == expected, "{name}: {} events, not {}", made.len(), expected.len());
    }
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
