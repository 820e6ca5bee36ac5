//! Small files made in memory, and reading them to the end.

#![expect(clippy::unwrap_used, reason = "a file that cannot be made fails the test")]

use std::io::Read;

use spiked_recordings::{CameraEvent, Error, Fault, Geometry, Recording, write};

pub(crate) const SENSOR: Geometry = Geometry { width: 320, height: 240 };

/// A reader that gives at most `portion` bytes at a time.
pub(crate) struct Portions<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) portion: usize,
}

impl Read for Portions<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.portion.min(buffer.len());
        self.bytes.read(&mut buffer[..length])
    }
}

pub(crate) fn opened(file: &[u8]) -> Result<Recording<&[u8]>, Error> {
    Recording::new(file, "file", Some(file.len() as u64))
}

/// All events in front of the end or the first fault.
pub(crate) fn read_to_end<R: Read>(
    recording: &mut Recording<R>,
) -> (Vec<CameraEvent>, Option<Fault>) {
    let mut events = Vec::new();
    loop {
        let before = events.len();
        match recording.next_events(&mut events) {
            Ok(0) => return (events, None),
            Ok(appended) => assert_eq!(events.len(), before + appended),
            Err(error) => {
                assert_eq!(events.len(), before, "events and a fault never come together");
                let after = recording.next_events(&mut events);
                assert!(matches!(after, Ok(0)), "a fault is the end");
                return (events, Some(error.fault));
            }
        }
    }
}

pub(crate) fn read_file(file: &[u8]) -> (Vec<CameraEvent>, Option<Fault>) {
    match opened(file) {
        Ok(mut recording) => read_to_end(&mut recording),
        Err(error) => (Vec::new(), Some(error.fault)),
    }
}

pub(crate) fn message(file: &[u8]) -> String {
    match opened(file) {
        Ok(mut recording) => match read_to_end(&mut recording) {
            (_, Some(fault)) => format!("{}: {fault}", recording.name()),
            (_, None) => String::new(),
        },
        Err(error) => error.to_string(),
    }
}

/// A file whose body lies behind the first chunk, which opening reads whole: only from there on do
/// a reader's portions reach the decoder as they are. The filler must mean nothing in the format.
pub(crate) fn behind_a_chunk(header: &[u8], filler: u8, body: &[u8]) -> Vec<u8> {
    [header, &vec![filler; 1 << 16], body].concat()
}

/// Events all over the sensor, with pauses now and then.
pub(crate) fn some_events(count: u64) -> Vec<CameraEvent> {
    let spread = |step: u64, side: u16| (step % u64::from(side)).try_into().unwrap();
    let mut t_us = 0;
    (0..count)
        .map(|n| {
            t_us += if n % 13 == 12 { 400 } else { n % 3 };
            let (x, y) = (spread(n * 7919, SENSOR.width), spread(n * 104_729, SENSOR.height));
            CameraEvent { t_us, x, y, on: n * 31 % 7 < 3 }
        })
        .collect()
}

pub(crate) fn es_file(events: &[CameraEvent]) -> Vec<u8> {
    let mut writer = write::es::Writer::new(Vec::new(), SENSOR).unwrap();
    writer.write(events).unwrap();
    writer.finish().unwrap()
}

pub(crate) fn evt2_file(events: &[CameraEvent], geometry: Option<Geometry>) -> Vec<u8> {
    let mut writer = write::evt2::Writer::new(Vec::new(), geometry).unwrap();
    writer.write(events).unwrap();
    writer.finish().unwrap()
}

pub(crate) fn evt3_file(events: &[CameraEvent]) -> Vec<u8> {
    let mut file = b"% evt 3.0\n% format EVT3;height=240;width=320\n% end\n".to_vec();
    spiked_proto::layout::evt3::Encoder::new().encode(events, &mut file).unwrap();
    file
}
