//! Decoding whole recordings from memory, header to last event, in events a processor second.
//!
//! One JSON line a format, and one for each library of others that reads it, where they can be installed
//! (`peers.py`; whole process, one thread unless they start more). Reads the shared recordings if they lie beside the repository, else
//! events generated here; each run goes through the same file until enough events have passed.
//! Processor time is the thread's own, as the kernel counts it; its clock moves every few
//! milliseconds, so a run is made long enough for that not to matter.

mod peers;

#[path = "../../tests/it/made.rs"]
#[allow(dead_code, reason = "the tests make more than is measured")]
mod made;

use std::{fs, hint::black_box, path::Path, time::Instant};

use spiked_recordings::{
    CameraEvent, Geometry, Recording,
    write::{Kind, Writer, aedat4::Compression},
};

const RUNS: usize = 7;
const EVENTS_A_RUN: u64 = 60_000_000;
const GENERATED_EVENTS: u64 = 500_000;
const SENSOR: Geometry = Geometry { width: 320, height: 240 };
const EVT2_SENSOR: Geometry = Geometry { width: 640, height: 480 };

/// The same scene in every format; in EVT2 another, of a sensor that wrote it.
fn main() {
    let scene = recording("dvs.es").map_or_else(generated, |file| events(&file));
    let written = |kind, compression| written(&scene, kind, compression);
    let evt2 = recording("evt2.raw").unwrap_or_else(|| written(Kind::Evt2, Compression::None));
    let evt3 = recording("dvs_evt3.raw");
    let files = [
        ("es", "es", written(Kind::EventStream, Compression::None)),
        ("evt2", "raw", evt2),
        ("evt21", "raw", made::evt21(&scene, Some("little"), false)),
        ("evt3", "raw", evt3.unwrap_or_else(|| written(Kind::Evt3, Compression::None))),
        ("dat", "dat", written(Kind::Dat, Compression::None)),
        ("aedat3", "aedat", made::aedat3(&scene)),
        ("aedat4", "aedat4", written(Kind::Aedat4, Compression::None)),
        ("aedat4_lz4", "aedat4", written(Kind::Aedat4, Compression::Lz4)),
        ("aedat4_zstd", "aedat4", written(Kind::Aedat4, Compression::Zstandard)),
        ("csv", "csv", written(Kind::Csv, Compression::None)),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let peers = peers::Peers::install();
    for (format, extension, file) in &files {
        report(&format!("decode_{format}"), file, None);
        if *format == "evt2" {
            report("decode_evt2_checked", file, Some(EVT2_SENSOR));
        }
        let path = folder.path().join(format!("{format}.{extension}"));
        fs::write(&path, file).expect("room for it");
        peers.report(format, &path);
    }
}

fn events(file: &[u8]) -> Vec<CameraEvent> {
    let mut recording = Recording::new(file, "scene", None).expect("a whole recording");
    let mut events = Vec::new();
    while recording.next_events(&mut events).expect("no fault in it") > 0 {}
    events
}

fn written(events: &[CameraEvent], kind: Kind, compression: Compression) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer =
        Writer::new(kind, &mut file, Some(SENSOR), compression).expect("memory takes all");
    writer.write(events).expect("events on the sensor, in order");
    writer.finish().expect("memory takes all");
    file
}

#[expect(clippy::print_stdout, reason = "a benchmark's result is its output")]
fn report(name: &str, file: &[u8], geometry: Option<Geometry>) {
    decode_often(file, geometry, EVENTS_A_RUN / 10);
    let (mut rates, mut cpu_s) = (Vec::new(), 0.0);
    for _ in 0..RUNS {
        let start = processor_seconds();
        let events = decode_often(file, geometry, EVENTS_A_RUN);
        let seconds = processor_seconds() - start;
        rates.push(events as f64 / seconds);
        cpu_s += seconds;
    }
    rates.sort_by(f64::total_cmp);
    let (min, median, max) = (rates[0], rates[RUNS / 2], rates[RUNS - 1]);
    println!(
        "{{\"bench\":\"{name}\",\"events_per_s\":{median:.0},\"cpu_s\":{cpu_s:.3},\
         \"runs\":{RUNS},\"min\":{min:.0},\"median\":{median:.0},\"max\":{max:.0}}}"
    );
}

fn decode_often(file: &[u8], geometry: Option<Geometry>, events_min: u64) -> u64 {
    let (mut decoded, mut events) = (0, Vec::new());
    while decoded < events_min {
        let mut recording = Recording::new(file, "bench", None).expect("a whole recording");
        if let Some(geometry) = geometry {
            recording.set_geometry(geometry).expect("the header names no other size");
        }
        while recording.next_events(&mut events).expect("no fault in it") > 0 {
            decoded += black_box(&events).len() as u64;
            events.clear();
        }
    }
    decoded
}

/// Time that this thread has spent on a processor, or on the wall where the kernel doesn't say.
fn processor_seconds() -> f64 {
    let kernel = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds =
        kernel.as_deref().and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(wall_seconds, |nanoseconds| nanoseconds * 1e-9)
}

fn wall_seconds() -> f64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

fn recording(name: &str) -> Option<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/recordings");
    fs::read(Path::new(folder).join(name)).ok()
}

/// Two events a microsecond, spread over the sensor by steps that share no factor with its sides.
fn generated() -> Vec<CameraEvent> {
    let spread = |step: u64, side: u16| (step % u64::from(side)).try_into().expect("below a side");
    (0..GENERATED_EVENTS)
        .map(|n| CameraEvent {
            t_us: n / 2,
            x: spread(n * 7919, SENSOR.width),
            y: spread(n * 104_729, SENSOR.height),
            on: n * 31 % 7 < 3,
        })
        .collect()
}
