//! Recordings and networks that the tests make for themselves.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use spiked_recordings::{CameraEvent, Geometry, write};
use spiked_sensors::{Motion, Settings, movie};
use tempfile::TempDir;

/// The sensor of all recordings here.
pub(crate) const SENSOR: Geometry = Geometry { width: 48, height: 32 };
/// What a recording begins at that doesn't begin at 0, as evt2.raw does \[µs\].
pub(crate) const LATE_US: u64 = 913_716_224;

/// A folder of its own, gone with the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        fs::write(&path, content).expect("it can be written");
        path
    }

    /// A texture that moves for 300 ms, as `.es`.
    pub(crate) fn texture(&self) -> PathBuf {
        self.es("texture.es", &texture())
    }

    pub(crate) fn es(&self, name: &str, events: &[CameraEvent]) -> PathBuf {
        let path = self.path(name);
        let mut writer = write::es::Writer::new(create(&path), SENSOR).expect("a header");
        writer.write(events).expect("events that fit");
        writer.finish().expect("a whole file");
        path
    }

    pub(crate) fn evt2(
        &self,
        name: &str,
        geometry: Option<Geometry>,
        events: &[CameraEvent],
    ) -> PathBuf {
        let path = self.path(name);
        let mut writer = write::evt2::Writer::new(create(&path), geometry).expect("a header");
        writer.write(events).expect("events that fit");
        writer.finish().expect("a whole file");
        path
    }

    /// A small network that answers with spikes and decisions; its folder.
    pub(crate) fn network(&self) -> PathBuf {
        self.write("nets/quadrant/network.toml", NETWORK);
        self.path("nets/quadrant")
    }
}

/// Puts a whole new file in the place of the old one.
pub(crate) fn put(file: &Path, text: &str) {
    let fresh = file.with_extension("new");
    fs::write(&fresh, text).expect("written");
    fs::rename(fresh, file).expect("renamed");
}

/// Writes another text of the same length into a file, so that nothing about it changes but that.
pub(crate) fn overwrite_unseen(file: &Path, text: &str) {
    let before = fs::metadata(file).expect("it is there");
    assert_eq!(before.len(), text.len() as u64, "another length would be seen");
    fs::write(file, text).expect("written");
    let written = File::options().write(true).open(file).expect("it can be opened");
    written.set_modified(before.modified().expect("a time")).expect("it can be set");
}

fn create(path: &Path) -> File {
    File::create(path).expect("it can be made")
}

/// Four directions, seen at once and again a millisecond later.
const NETWORK: &str = r#"
name = "quadrant"
description = "Four directions, for tests."
tick = "1 ms"

[input.eye]
sensor = "any"
filters = [{ downsample = 2 }, { refractory = "2 ms" }]

[population.detectors]
shape = [4, "eye.height", "eye.width"]
neuron = { accumulator = { threshold = 0.6, rectify = "absolute" } }
winner_take_all = "per location"

[projection.detect]
from = "eye"
to = "detectors"

[projection.detect.convolution]
kernel = { motion = { directions = 4, speed = "0.4 px/ms", delays = 7, size = 7 } }
border = "zero"
delay_step = "1 ms"

[readout.direction]
from = "detectors"

[readout.direction.vote]
window = "20 ms"
every = "5 ms"
labels = ["E", "S", "W", "N"]
"#;

/// A texture that moves for 300 ms.
pub(crate) fn texture() -> Vec<CameraEvent> {
    let settings = Settings {
        width: SENSOR.width,
        height: SENSOR.height,
        selectivity: 1.5,
        seed: 5,
        ..Settings::default()
    };
    movie(settings, Motion::of_twelve(2, 0.8), 300).expect("settings in range")
}

/// The same events, later.
pub(crate) fn later(events: &[CameraEvent], by_us: u64) -> Vec<CameraEvent> {
    events.iter().map(|event| CameraEvent { t_us: event.t_us + by_us, ..*event }).collect()
}
