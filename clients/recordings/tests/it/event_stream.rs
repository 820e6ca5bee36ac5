//! What an Event Stream's bytes mean, and what is refused in them.

use spiked_recordings::{CameraEvent, Fault};

use crate::support::{message, opened, read_file};

const HEADER: &[u8] = b"Event Stream\x02\x00\x00\x01\x40\x01\xF0\x00";

fn file(body: &[u8]) -> Vec<u8> {
    [HEADER, body].concat()
}

#[test]
fn counts_time_from_zero_and_rows_from_the_top() {
    let body = [[0xFF, 0xFE, 0xFF].as_slice(), &[3 << 1 | 1, 0x3F, 1, 0, 0], &[0, 0, 0, 239, 0]];
    let (events, fault) = read_file(&file(&body.concat()));
    assert!(fault.is_none());
    assert_eq!(
        events,
        [
            CameraEvent { t_us: 257, x: 319, y: 239, on: true },
            CameraEvent { t_us: 257, x: 0, y: 0, on: false },
        ]
    );
}

#[test]
fn says_what_its_header_says() {
    let file = file(&[]);
    let recording = opened(&file).unwrap();
    let header = [("version", "2.0.0"), ("type", "1 (dvs)")];
    assert_eq!(recording.header(), header.map(|(key, value)| (key.into(), value.into())));
    assert_eq!((recording.bytes_read(), recording.bytes_total()), (20, Some(20)));
}

#[test]
fn names_the_pixel_off_the_sensor_and_its_place() {
    let good = [2, 1, 0, 2, 0];
    for (x, y) in [(320_u16, 0_u16), (0, 240)] {
        let [x0, x1] = x.to_le_bytes();
        let [y0, y1] = y.to_le_bytes();
        let (events, fault) = read_file(&file(&[good, [0, x0, x1, y0, y1], good].concat()));
        assert_eq!(events.len(), 1);
        let expected = format!("has pixel ({x}, {y}) outside its 320x240 sensor, at byte 25");
        assert_eq!(fault.unwrap().to_string(), expected);
    }
}

#[test]
fn refuses_versions_types_and_sizes_that_it_cannot_read() {
    let with = |place: usize, value: u8| {
        let mut file = file(&[]);
        file[place] = value;
        message(&file)
    };
    assert!(with(12, 3).contains("\"3.0.0\" as version"), "{}", with(12, 3));
    for (kind, name) in [(0, "generic"), (2, "atis"), (4, "color"), (9, "unknown")] {
        let message = with(15, kind);
        assert!(message.contains(&format!("\"{kind} ({name})\" as type")), "{message}");
    }
    let flat = [&HEADER[..18], &[0, 0]].concat();
    let fault = opened(&flat).unwrap_err().fault;
    assert!(matches!(fault, Fault::HeaderValue { value, .. } if value == "320x0"));
}
