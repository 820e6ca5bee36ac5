//! Decoding whole recordings from memory, header to last event, in events a processor second.
//!
//! One JSON line a format. Reads the shared recordings if they lie beside the repository, else
//! events generated here; each run goes through the same file until enough events have passed.
//! Processor time is the thread's own, as the kernel counts it; its clock moves every few
//! milliseconds, so a run is made long enough for that not to matter.

use std::{fs, hint::black_box, path::Path, time::Instant};

use spiked_recordings::{CameraEvent, Geometry, Recording, write};

const RUNS: usize = 7;
const EVENTS_A_RUN: u64 = 60_000_000;
const GENERATED_EVENTS: u64 = 500_000;
const SENSOR: Geometry = Geometry { width: 640, height: 480 };

fn main() {
    let es = recording("dvs.es").unwrap_or_else(generated_es);
    let evt2 = recording("evt2.raw").unwrap_or_else(generated_evt2);
    report("decode_es", &es, None);
    report("decode_evt2", &evt2, None);
    report("decode_evt2_checked", &evt2, Some(SENSOR));
    if let Some(evt3) = recording("dvs_evt3.raw") {
        report("decode_evt3", &evt3, None);
    }
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

fn generated_es() -> Vec<u8> {
    let mut writer = write::es::Writer::new(Vec::new(), SENSOR).expect("memory takes all");
    writer.write(&generated()).expect("events on the sensor, in order");
    writer.finish().expect("memory takes all")
}

fn generated_evt2() -> Vec<u8> {
    let mut writer = write::evt2::Writer::new(Vec::new(), None).expect("memory takes all");
    writer.write(&generated()).expect("events in order");
    writer.finish().expect("memory takes all")
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
