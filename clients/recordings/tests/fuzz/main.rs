//! Hostile bytes in the place of a recording: see `spiked-fuzz`.

use std::io::Read;

use spiked_fuzz::{Counting, Target};
use spiked_proto::layout::evt3;
use spiked_recordings::{CameraEvent, Geometry, Recording, write};

#[global_allocator]
static MEMORY: Counting = Counting;

const SENSOR: Geometry = Geometry { width: 320, height: 240 };
/// What opening reads at once; only what lies behind it reaches a decoder in portions.
const CHUNK: usize = 1 << 16;

/// Gives at most so many bytes at a time.
struct Portions<'a>(&'a [u8], usize);

impl Read for Portions<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.1.min(buffer.len());
        self.0.read(&mut buffer[..length])
    }
}

fn some_events() -> Vec<CameraEvent> {
    let event = |n: u64| {
        let place = u16::try_from(n * 7 % 240).expect("small");
        CameraEvent { t_us: n * n, x: place, y: place, on: n.is_multiple_of(2) }
    };
    (0..40).map(event).collect()
}

/// Files of every format that is read, with headers of several kinds.
fn examples() -> Vec<Vec<u8>> {
    let events = some_events();
    let mut es = write::es::Writer::new(Vec::new(), SENSOR).expect("a vector takes all");
    es.write(&events).expect("in order");
    let mut files = vec![es.finish().expect("a vector takes all")];
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
    files
}

/// Events, then why it ended.
fn read(mut recording: Recording<impl Read>) -> (Vec<CameraEvent>, Option<String>) {
    let mut events = Vec::new();
    loop {
        match recording.next_events(&mut events) {
            Ok(0) => return (events, None),
            Ok(_) => {}
            Err(error) => return (events, Some(error.to_string())),
        }
    }
}

/// Any file is read or refused; what was read is written and read again as it was.
#[test]
fn recordings() {
    let words: [&[u8]; 12] = [
        b"% ",
        b"\n",
        b"% end\n",
        b"% evt 2.0\n",
        b"% evt 2.1\n",
        b"% evt 3.0\n",
        b"EVT3",
        b"EVT4",
        b"Event Stream\x02\x00\x00\x01",
        b";width=",
        b";height=",
        b"% geometry 4x4\n",
    ];
    let target = Target::new("recordings", examples()).words(&words).bytes_max(1_024);
    target.run(|input| {
        let Ok(mut recording) = Recording::new(input, "file", None) else { return false };
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
    // A header, then the byte that means nothing behind it.
    let headers: [(&[u8], u8); 4] = [
        (b"Event Stream\x02\x00\x00\x01\x40\x01\xF0\x00", 0xFE),
        (b"% evt 2.0\n", 0xFF),
        (b"% format EVT2;width=1500;height=1500\n% end\n", 0xFF),
        (b"% evt 3.0\n", 0xFF),
    ];
    let body = |file: &Vec<u8>| {
        let end = file.windows(6).position(|window| window == b"% end\n").map_or(20, |at| at + 6);
        [&[1, 3], &file[end.min(file.len())..]].concat()
    };
    let bodies = examples().iter().map(body).collect();
    let target = Target::new("recordings_in_portions", bodies).bytes_max(256);
    target.run(|input| {
        let Some((&[which, portion], body)) = input.split_first_chunk() else { return false };
        let (header, filler) = headers[usize::from(which) % headers.len()];
        let file = [header, &vec![filler; CHUNK - header.len()], body].concat();
        let portion = usize::from(portion % 16) + 1;
        let in_parts = Recording::new(Portions(&file, portion + CHUNK), "file", None);
        let mut first = true;
        let small = SmallAfter { bytes: &file, portion, first: &mut first };
        let small = Recording::new(small, "file", None).map(read).map_err(|e| e.to_string());
        let whole = in_parts.map(read).map_err(|error| error.to_string());
        assert_eq!(small, whole);
        whole.is_ok()
    });
}

/// The first chunk whole, for speed; what follows in portions.
struct SmallAfter<'a> {
    bytes: &'a [u8],
    portion: usize,
    first: &'a mut bool,
}

impl Read for SmallAfter<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let whole = std::mem::take(self.first);
        let length = if whole { buffer.len() } else { self.portion.min(buffer.len()) };
        self.bytes.read(&mut buffer[..length])
    }
}
