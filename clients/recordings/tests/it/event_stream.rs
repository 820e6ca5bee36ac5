//! What an Event Stream's bytes mean, and what is refused in them.

use std::{fs, path::PathBuf};

use spiked_recordings::{CameraEvent, Fault, Recording, open, survey};

use crate::support::{SENSOR, message, opened, read_file, read_to_end, some_events};

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
    for kind in [3, 5, 9, 255] {
        let message = with(15, kind);
        assert!(message.contains(&format!("\"{kind} (unknown)\" as type")), "{message}");
    }
    let flat = [&HEADER[..18], &[0, 0]].concat();
    let fault = opened(&flat).unwrap_err().fault;
    assert!(matches!(fault, Fault::HeaderValue { value, .. } if value == "320x0"));
}

fn place(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/data", name].iter().collect()
}

/// The format's own library wrote them: an ATIS's changes are events, its threshold crossings are counted.
#[test]
fn an_atis_gives_its_changes_and_counts_its_exposures() {
    for (name, count, pause) in [("atis.es", 300, 1), ("atis_slow.es", 60, 50)] {
        let mut recording = open(place(name)).unwrap();
        assert_eq!(recording.geometry(), Some(SENSOR));
        assert_eq!(recording.header()[1].1, "2 (atis)");
        let (events, fault) = read_to_end(&mut recording);
        assert!(fault.is_none(), "{fault:?}");
        let written = some_events(count).into_iter().enumerate();
        let changes = written.filter(|(number, _)| number % 3 != 2).map(|(_, event)| event);
        let changes = changes.map(|event| CameraEvent { t_us: event.t_us * pause, ..event });
        assert!(events.into_iter().eq(changes), "{name}");
        let crossings = (count / 3, "threshold crossings of exposure".to_owned());
        assert_eq!(recording.notes().besides, [crossings]);
    }
}

#[test]
fn color_and_generic_events_are_counted_and_are_no_cameras() {
    for (name, counted, what, holds) in [
        ("color.es", 60, "events of color", "events of color, which have no polarity"),
        ("generic.es", 12, "generic events", "generic events, which are bytes of any meaning"),
    ] {
        let mut recording = survey(place(name)).unwrap();
        assert_eq!(recording.holds(), Some(holds));
        let (events, fault) = read_to_end(&mut recording);
        assert!(events.is_empty() && fault.is_none(), "{fault:?}");
        assert_eq!(recording.notes().besides, [(counted, what.to_owned())]);
        let refused = format!("holds {holds}: none of a camera's events");
        assert_eq!(open(place(name)).unwrap_err().fault.to_string(), refused);
        let bytes = fs::read(place(name)).unwrap();
        assert_eq!(message(&bytes), format!("file: {refused}"));
    }
    assert_eq!(survey(place("color.es")).unwrap().geometry(), Some(SENSOR));
    assert_eq!(survey(place("generic.es")).unwrap().geometry(), None);
}

/// Other events, camera's events and the fault of a file.
fn surveyed(bytes: &[u8]) -> (u64, usize, Option<String>) {
    let mut recording = match Recording::survey(bytes, "file", None) {
        Ok(recording) => recording,
        Err(error) => return (0, 0, Some(error.fault.to_string())),
    };
    let (events, fault) = read_to_end(&mut recording);
    let besides = recording.notes().besides.first().map_or(0, |(count, _)| *count);
    (besides, events.len(), fault.map(|fault| fault.to_string()))
}

/// Caught: an event counted before its last byte; an end within one that is none.
#[test]
fn every_type_cut_anywhere_counts_whole_events_and_says_where() {
    for (name, header) in [("atis.es", 20), ("color.es", 20), ("generic.es", 16)] {
        let whole = fs::read(place(name)).unwrap();
        let (mut others, mut changes) = (0, 0);
        for cut in 0..whole.len() {
            let (besides, events, fault) = surveyed(&whole[..cut]);
            assert!(besides >= others && events >= changes, "{name}: {cut}");
            (others, changes) = (besides, events);
            match fault {
                // A magic that is cut is none.
                Some(fault) if cut < header => {
                    let is_cut = fault.contains("is cut inside its header");
                    assert!(is_cut || cut < 12, "{name}: {cut}: {fault}");
                }
                Some(fault) => {
                    let starts = fault.starts_with("is cut: at byte ");
                    assert!(starts && fault.contains(" there are "), "{name}: {cut}: {fault}");
                }
                None => assert!(cut >= header, "{name}: {cut}"),
            }
        }
        let (all_others, all_changes, fault) = surveyed(&whole);
        assert!(fault.is_none(), "{name}");
        // The last byte makes one of them whole.
        let missing = all_others - others + (all_changes - changes) as u64;
        assert_eq!(missing, 1, "{name}");
    }
    let cut = [&b"Event Stream\x02\x00\x00\x00"[..], &[5, 10 << 1 | 1]].concat();
    assert_eq!(surveyed(&cut).2.unwrap(), "is cut: at byte 16 there are 2 of 3 bytes");
    let cut = [&cut[..17], &[10 << 1, 1, 2, 3]].concat();
    assert_eq!(surveyed(&cut).2.unwrap(), "is cut: at byte 16 there are 5 of 12 bytes");
}

#[test]
fn a_length_without_end_is_refused() {
    let endless = [&b"Event Stream\x02\x00\x00\x00"[..], &[0xFE, 7], &[0xFF; 20]].concat();
    let expected = "as length of an event at byte 17, which needs more than 9 bytes";
    assert!(surveyed(&endless).2.unwrap().ends_with(expected));
    let long = [&b"Event Stream\x02\x00\x00\x00"[..], &[7], &[0xFF; 8], &[0xFE]].concat();
    let told = surveyed(&long).2.unwrap();
    assert!(told.starts_with("is cut: at byte 16 there are 10 of 9223372036854775"), "{told}");
}

#[test]
fn every_type_names_the_pixel_off_the_sensor() {
    for (kind, first, rest) in [(2, 0, &[][..]), (2, 1, &[]), (4, 0, &[1, 2, 3])] {
        let mut bytes = file(&[&[first, 0x40, 1, 0, 0][..], rest].concat());
        bytes[15] = kind;
        let expected = "has pixel (320, 0) outside its 320x240 sensor, at byte 20";
        assert_eq!(surveyed(&bytes).2.unwrap(), expected);
    }
}
