//! A sensor size that the header names, that the caller gives, or that nobody knows.

use spiked_recordings::{CameraEvent, Fault, Geometry};

use crate::support::{Portions, SENSOR, es_file, evt2_file, opened, read_to_end, some_events};

#[test]
fn without_a_size_events_flow_and_the_largest_pixel_is_known() {
    let events = [(5, 100), (600, 7)].map(|(x, y)| CameraEvent { x, y, ..CameraEvent::default() });
    let file = evt2_file(&events, None);
    let mut recording = opened(&file).unwrap();
    assert_eq!((recording.geometry(), recording.largest_pixel()), (None, None));
    assert_eq!(read_to_end(&mut recording).0, events);
    assert_eq!(recording.largest_pixel(), Some((600, 100)));
}

/// Caught: an offset off by a byte, and one counted from the chunk instead of the file.
#[test]
fn with_a_size_given_a_pixel_off_the_sensor_is_an_error_at_its_place() {
    let mut events = some_events(50_000);
    let bad = 40_000;
    events[bad].x = 320;
    let file = evt2_file(&events, None);
    let offset = evt2_file(&events[..=bad], None).len() as u64 - 4;
    for portion in [1, 7, 4096, usize::MAX] {
        let reader = Portions { bytes: &file, portion };
        let mut recording = spiked_recordings::Recording::new(reader, "file", None).unwrap();
        recording.set_geometry(SENSOR).unwrap();
        assert_eq!(recording.geometry(), Some(SENSOR));
        let (read, fault) = read_to_end(&mut recording);
        assert_eq!(read, events[..bad]);
        let y = events[bad].y;
        let expected = format!("has pixel (320, {y}) outside its 320x240 sensor, at byte {offset}");
        assert_eq!(fault.unwrap().to_string(), expected);
    }
}

/// Caught: an offset that forgets the bytes of an event which a portion's end cuts.
#[test]
fn an_event_stream_names_the_place_however_it_is_read() {
    let (events, bad) = (some_events(50_000), 40_000);
    let mut file = es_file(&events);
    let offset = es_file(&events[..=bad]).len() - 5;
    file[offset + 1..offset + 5].copy_from_slice(&[0, 0, 240, 0]);
    for portion in [1, 7, 4096, usize::MAX] {
        let reader = Portions { bytes: &file, portion };
        let mut recording = spiked_recordings::Recording::new(reader, "file", None).unwrap();
        let (read, fault) = read_to_end(&mut recording);
        assert_eq!(read, events[..bad]);
        let expected = format!("has pixel (0, 240) outside its 320x240 sensor, at byte {offset}");
        assert_eq!(fault.unwrap().to_string(), expected);
    }
}

#[test]
fn refuses_a_size_that_is_not_the_headers() {
    let events = some_events(3);
    for file in [es_file(&events), evt2_file(&events, Some(SENSOR))] {
        let mut recording = opened(&file).unwrap();
        recording.set_geometry(SENSOR).unwrap();
        let given = Geometry { width: 640, height: 480 };
        let error = recording.set_geometry(given).unwrap_err();
        assert!(matches!(error.fault, Fault::GeometryDiffers { .. }));
        assert_eq!(
            error.to_string(),
            "file: is of a 320x240 sensor, as its header says, not 640x480"
        );
    }
}

/// The header names a size that the words do not keep to.
#[test]
fn a_header_that_lies_about_its_size_is_found_out() {
    let mut file = es_file(&some_events(100));
    file[16..18].copy_from_slice(&100_u16.to_le_bytes());
    let (_, fault) = crate::support::read_file(&file);
    assert!(matches!(fault, Some(Fault::PixelOffSensor { geometry, .. }) if geometry.width == 100));
}
