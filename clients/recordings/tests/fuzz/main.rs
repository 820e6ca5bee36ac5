//! Hostile bytes in the place of a recording: see `spiked-fuzz`.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use spiked_fuzz::{Counting, Target};
use spiked_proto::layout::evt3;
use spiked_recordings::{
    CameraEvent, Geometry, Notes, Recording,
    touch::{self, TouchRecording},
    write::{self, Kind, Writer, aedat4::Compression},
};

mod dv_server;
mod labels;
#[path = "../it/made.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod made;
mod mcap;
mod samples;

#[global_allocator]
static MEMORY: Counting = Counting;

/// Longest file that is read in portions.
const PORTIONS_BYTES_MAX: usize = 510;
const SENSOR: Geometry = Geometry { width: 320, height: 240 };
fn some_events() -> Vec<CameraEvent> {
    let event = |n: u64| {
        let place = u16::try_from(n * 7 % 240).expect("small");
        CameraEvent { t_us: n * n, x: place, y: place, on: n.is_multiple_of(2) }
    };
    (0..40).map(event).collect()
}

/// Makes a file of events.
type Made = fn(&[CameraEvent]) -> Vec<u8>;

/// Files of every format that is read, with headers of several kinds.
fn examples() -> Vec<Vec<u8>> {
    let events = some_events();
    let mut es = write::es::Writer::new(Vec::new(), SENSOR).expect("a vector takes all");
    es.write(&events).expect("in order");
    let mut files = vec![es.finish().expect("a vector takes all")];
    files.extend(["atis_slow.es", "color.es"].map(shared));
    let generic = b"\x05\x06abc\xFF\x10\x02x\xFE\x00\x00\x00\x03\x02";
    files.push([&b"Event Stream\x02\x00\x00\x00"[..], generic, &[7; 129]].concat());
    for geometry in [None, Some(SENSOR)] {
        let mut raw = write::evt2::Writer::new(Vec::new(), geometry).expect("a vector takes all");
        raw.write(&events).expect("in order");
        files.push(raw.finish().expect("a vector takes all"));
    }
    for header in [
        "% evt 3.0\n% format EVT3;height=240;width=320\n% end\n",
        "% evt 3.0\n% geometry 320x240\n% Date 2020-01-01\n",
        "% Version 2\n% Width 320\n% Height 240\n% end\n",
    ] {
        let mut file = header.as_bytes().to_vec();
        evt3::Encoder::new().encode(&events, &mut file).expect("in order");
        files.push(file);
    }
    let others: [Made; 9] = [
        |events| made::evt21(events, None, false),
        |events| made::evt21(events, Some("legacy"), true),
        made::evt4,
        |events| made::dat(events, 1),
        |events| made::aedat2(events, true),
        |events| made::aedat2(events, false),
        made::aedat1,
        made::aedat3,
        made::text,
    ];
    for made in others {
        files.push(made(&made::on_a_small_sensor(&events)));
    }
    for compression in [Compression::None, Compression::Lz4, Compression::Zstandard] {
        let mut file = Vec::new();
        let mut writer = Writer::new(Kind::Aedat4, &mut file, Some(SENSOR), compression)
            .expect("a vector takes all");
        writer.write(&events).expect("on the sensor");
        writer.finish().expect("a vector takes all");
        files.push(file);
    }
    files
}

/// A file that lies beside the tests.
fn shared(name: &str) -> Vec<u8> {
    let path = [env!("CARGO_MANIFEST_DIR"), "tests/data", name].iter().collect::<PathBuf>();
    fs::read(path).expect("it lies beside the tests")
}

/// Bytes that come a few at a time.
struct Arriving<'a> {
    bytes: &'a [u8],
    portion: usize,
}

impl Read for Arriving<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.portion.min(buffer.len());
        self.bytes.read(&mut buffer[..length])
    }
}

/// Events, then why it ended.
fn read(recording: Recording<impl Read>) -> (Vec<CameraEvent>, Option<String>) {
    let (events, fault, _) = surveyed(recording);
    (events, fault)
}

/// The same, and what there is besides.
fn surveyed(mut recording: Recording<impl Read>) -> (Vec<CameraEvent>, Option<String>, Notes) {
    let mut events = Vec::new();
    loop {
        match recording.next_events(&mut events) {
            Ok(0) => return (events, None, recording.notes()),
            Ok(_) => {}
            Err(error) => return (events, Some(error.to_string()), recording.notes()),
        }
    }
}

/// Any file is read or refused; what was read is written and read again as it was.
#[test]
fn recording_files() {
    let words: [&[u8]; 23] = [
        b"% ",
        b"\n",
        b"% end\n",
        b"% evt 2.0\n",
        b"% evt 2.1\n",
        b"% evt 3.0\n",
        b"EVT3",
        b"EVT4",
        b"Event Stream\x02\x00\x00\x01",
        b"Event Stream\x02\x00\x00\x02",
        b"Event Stream\x02\x00\x00\x04",
        b"Event Stream\x02\x00\x00\x00",
        b";width=",
        b";height=",
        b"% geometry 4x4\n",
        b"% Version 2\n",
        b"\x0c\x08",
        b"#!AER-DAT1.0\r\n",
        b"#!AER-DAT2.0\r\n# AEChip: DAVIS346\r\n",
        b"#!AER-DAT3.1\r\n#!END-HEADER\r\n",
        b"#!AER-DAT4.0\r\n",
        b"EVTS",
        b"t,x,y,p\n",
    ];
    let target = Target::new("recording_files", examples()).words(&words).bytes_max(2_048);
    target.run(|input| {
        let Ok(mut recording) = Recording::survey(input, "file", None) else { return false };
        if input.last().is_some_and(|byte| byte % 2 == 0) {
            let _ = recording.set_geometry(SENSOR);
        }
        let geometry = recording.geometry();
        let (events, fault) = read(recording);
        assert!(events.len() <= 6 * input.len());
        let Some(geometry) = geometry.filter(|_| fault.is_none()) else { return true };
        assert!(events.iter().all(|event| geometry.contains(event.x, event.y)));
        let mut writer = write::es::Writer::new(Vec::new(), geometry).expect("a vector takes all");
        // Silence takes bytes.
        let short = events.iter().all(|event| event.t_us < 100_000);
        if short && writer.write(&events).is_ok() {
            let file = writer.finish().expect("a vector takes all");
            let again = Recording::new(file.as_slice(), "again", None).expect("just written");
            assert_eq!(read(again), (events, None));
        }
        true
    });
}

/// However a file arrives, its events are the same.
#[test]
fn recordings_in_portions() {
    let example = |file: &Vec<u8>| {
        let end = file.windows(6).position(|window| window == b"% end\n").map_or(20, |at| at + 6);
        [&[u8::try_from(end).expect("short"), 3], file.as_slice()].concat()
    };
    let short = |file: &&Vec<u8>| file.len() <= PORTIONS_BYTES_MAX;
    let examples = examples().iter().filter(short).map(example).collect();
    let target = Target::new("recordings_in_portions", examples);
    target.bytes_max(PORTIONS_BYTES_MAX + 2).run(|input| {
        let Some((&[first, portion], file)) = input.split_first_chunk() else { return false };
        let (first, rest) = file.split_at(usize::from(first).min(file.len()));
        let growing = Growing { first, rest, portion: usize::from(portion % 16) + 1, grown: false };
        // Where a header goes on behind the first bytes, a file that grows has another.
        let Ok(header) = Recording::survey(first, "file", None) else { return false };
        let Ok(whole) = Recording::survey(file, "file", None) else { return false };
        if header.header() != whole.header() || header.bytes_read() != whole.bytes_read() {
            return false;
        }
        let growing = Recording::survey(growing, "file", None).expect("as the first bytes are");
        assert_eq!(surveyed(growing), surveyed(whole));
        true
    });
}

/// A file whose end is met once behind its first bytes, and which has then grown: only what comes
/// after opening reaches a decoder in portions.
struct Growing<'a> {
    first: &'a [u8],
    rest: &'a [u8],
    portion: usize,
    grown: bool,
}

impl Read for Growing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if !self.first.is_empty() {
            return self.first.read(buffer);
        }
        if !std::mem::replace(&mut self.grown, true) {
            return Ok(0);
        }
        let length = self.portion.min(buffer.len());
        self.rest.read(&mut buffer[..length])
    }
}

thread_local! {
    /// Readers of touch go by the names of files.
    static PLACE: tempfile::TempDir = tempfile::tempdir().expect("a folder can be made");
}

const COMPONENTS: [&str; touch::COMPONENTS] = ["Fx", "Fy", "Fz", "Mx", "My", "Mz"];
/// Between the files of a folder, in one input.
const NEXT_FILE: u8 = 0x1D;

/// Whether frames are read to their end; each of them is whole and sound.
fn is_read(path: &Path) -> bool {
    let Ok(mut recording) = TouchRecording::open(path) else { return false };
    let whole = recording.whiskers().len() * touch::COMPONENTS;
    let mut values = Vec::new();
    loop {
        values.clear();
        match recording.next_frames(&mut values) {
            Ok(frames) => {
                assert_eq!(values.len(), frames * whole);
                assert!(values.iter().all(|value| value.abs() <= touch::ABSURD));
                if frames == 0 {
                    return true;
                }
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return false;
            }
        }
    }
}

/// Folders of a whisker simulator: names, then a file a component.
#[test]
fn touch_folders() {
    let folder = |lines: [&str; 7]| lines.join(&char::from(NEXT_FILE).to_string()).into_bytes();
    let line = "1,-2.5e0,\nnan,1e9,\n0,0,\n";
    let examples = vec![
        folder(["RA0,RA1,\n", line, line, line, line, line, line]),
        folder(["RA0\nLC11\n", "1,2\n", "3,4\n", "5,6\n", "7,8\n", "-9,0\n", "1e-3,2\n"]),
        folder(["RA0", "1", "2", "3", "4", "5", "6"]),
    ];
    Target::new("touch_folders", examples).text().bytes_max(512).run(|input| {
        let mut files = input.split(|&byte| byte == NEXT_FILE);
        PLACE.with(|place| {
            let dynamics = place.path().join("dynamics");
            fs::create_dir_all(&dynamics).expect("it can be made");
            let names = files.next().unwrap_or_default();
            fs::write(place.path().join("whisker_ID.csv"), names).expect("written");
            for component in COMPONENTS {
                let bytes = files.next().unwrap_or_default();
                fs::write(dynamics.join(format!("{component}.csv")), bytes).expect("written");
            }
            is_read(place.path())
        })
    });
}

/// Archives of frames.
#[test]
fn touch_archives() {
    let example = |frames: usize, names: &[&str], contacts: &[bool]| {
        let whiskers: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let values = vec![0.25; frames * names.len() * touch::COMPONENTS];
        let writer = touch::write::archive::Writer::new(Vec::new(), &whiskers, 1_000_000);
        let mut writer = writer.expect("a temporary file");
        writer.write(&values).expect("it grows");
        writer.finish(contacts).expect("a vector takes all")
    };
    let examples = vec![
        example(3, &["RA0", "RA1"], &[true; 6]),
        example(1, &["LC11"], &[]),
        example(0, &["RA0"], &[]),
    ];
    Target::new("touch_archives", examples).bytes_max(2_048).run(|input| {
        PLACE.with(|place| {
            let path = place.path().join("frames.npz");
            fs::write(&path, input).expect("written");
            let is_read = is_read(&path);
            let begins = input.starts_with(b"PK\x03\x04");
            assert!(!begins || !is_read || touch::is_touch(&path), "what is read is known");
            is_read
        })
    });
}

/// An HDF5 file, which is read from a file only, is read or refused.
#[test]
fn hdf5_files() {
    let examples = vec![shared("dsec_tiny.h5"), shared("prophesee_tiny.h5")];
    let words: [&[u8]; 6] = [b"TREE", b"SNOD", b"HEAP", b"events", b"CD", b"\x01\x7d"];
    let folder = tempfile::tempdir().expect("a folder");
    let target = Target::new("hdf5_files", examples).words(&words).bytes_max(16_384);
    let target = target.memory_bytes_max(16 << 20);
    target.run(|input| {
        let path = folder.path().join(format!("{:?}.h5", std::thread::current().id()));
        fs::write(&path, input).expect("a small file");
        let Ok(mut recording) = spiked_recordings::open(&path) else { return false };
        if recording.set_geometry(SENSOR).is_err() {
            return true;
        }
        let mut events = Vec::new();
        // Sparse arrays may claim any length: some portions are enough.
        for _ in 0..8 {
            if !matches!(recording.next_events(&mut events), Ok(1..)) {
                break;
            }
            assert!(events.iter().all(|event| SENSOR.contains(event.x, event.y)));
            events.clear();
        }
        true
    });
}

/// Files that go by their names or are read from a file only: any is read or refused, and what is read is
/// on the sensor.
fn files_by_name(name: &'static str, extension: &str, examples: Vec<Vec<u8>>) {
    let folder = tempfile::tempdir().expect("a folder");
    let target = Target::new(name, examples).bytes_max(4_096);
    target.run(|input| {
        let path = folder.path().join(format!("{:?}.{extension}", std::thread::current().id()));
        fs::write(&path, input).expect("a small file");
        let Ok(mut recording) = spiked_recordings::open(&path) else { return false };
        let is_sized = recording.set_geometry(SENSOR).is_ok();
        let (events, fault) = read(recording);
        assert!(fault.is_none_or(|fault| !fault.is_empty()));
        assert!(!is_sized || events.iter().all(|event| SENSOR.contains(event.x, event.y)));
        assert!(events.len() <= 64 * 1_024);
        true
    });
}

/// Files of an ATIS camera.
#[test]
fn bin_files() {
    let example = made::atis_bin(&made::on_a_small_sensor(&some_events()));
    let overflow = [&example[..5], &[0, 240, 0, 0, 0], &example[5..]].concat();
    files_by_name("bin_files", "bin", vec![example, overflow]);
}

/// Archives of a camera's events.
#[test]
fn npz_files() {
    let example = |events: &[CameraEvent]| {
        let mut file = Vec::new();
        let writer = Writer::new(Kind::Npz, &mut file, Some(SENSOR), Compression::None);
        let mut writer = writer.expect("a vector takes all");
        writer.write(events).expect("on the sensor");
        writer.finish().expect("a vector takes all");
        file
    };
    files_by_name("npz_files", "npz", vec![example(&some_events()), example(&[])]);
}
