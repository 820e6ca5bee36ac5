//! What is written reads back, and what a format cannot hold is refused at its place.

use proptest::prelude::*;
use spiked_recordings::{
    CameraEvent, Fault, open,
    write::{self, Kind, WriteError, Writer, aedat4::Compression},
};

use crate::support::{SENSOR, es_file, evt2_file, opened, read_file, read_to_end};

fn at(t_us: u64) -> CameraEvent {
    CameraEvent { t_us, ..CameraEvent::default() }
}

fn ordered_events() -> impl Strategy<Value = Vec<CameraEvent>> {
    let step = prop_oneof![0..3_u64, 120..260_u64, 0..20_000_u64];
    let event = (step, 0..SENSOR.width, 0..SENSOR.height, any::<bool>());
    prop::collection::vec(event, 0..60).prop_map(|steps| {
        let mut t_us = 0;
        let event = |(step, x, y, on)| {
            t_us += step;
            CameraEvent { t_us, x, y, on }
        };
        steps.into_iter().map(event).collect()
    })
}

proptest! {
    #[test]
    fn files_read_back_as_they_were_written(events in ordered_events()) {
        for file in [es_file(&events), evt2_file(&events, Some(SENSOR)), evt2_file(&events, None)] {
            let (read, fault) = read_file(&file);
            prop_assert!(fault.is_none());
            prop_assert_eq!(&read, &events);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_writer_reads_back_however_its_events_are_cut(
        events in ordered_events(),
        cut in any::<prop::sample::Index>(),
        kind in prop::sample::select(vec![
            Kind::Evt2, Kind::Evt3, Kind::Dat, Kind::Aedat4, Kind::EventStream, Kind::Csv, Kind::Npz,
        ]),
        compression in prop::sample::select(vec![
            Compression::None, Compression::Lz4, Compression::Zstandard,
        ]),
    ) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = Writer::new(kind, file.as_file(), Some(SENSOR), compression).unwrap();
        let (first, second) = events.split_at(cut.index(events.len() + 1));
        writer.write(first).unwrap();
        writer.write(second).unwrap();
        writer.finish().unwrap();
        let mut recording = open(file.path()).unwrap();
        let holds_no_size = matches!(kind, Kind::Csv | Kind::Npz);
        prop_assert_eq!(recording.geometry(), (!holds_no_size).then_some(SENSOR));
        let (read, fault) = read_to_end(&mut recording);
        prop_assert!(fault.is_none(), "{}: {:?}", kind, fault);
        prop_assert_eq!(read, events);
    }
}

/// Of each format: the first event that it cannot hold, and all before it are in the file.
#[test]
fn what_a_format_cannot_hold_is_refused_at_its_place() {
    let off = CameraEvent { x: SENSOR.width, ..at(3) };
    let cases = [
        (Kind::Evt3, off, "event 1: pixel (320, 0) outside the 320x240 sensor"),
        (Kind::Dat, off, "event 1: pixel (320, 0) outside the 320x240 sensor"),
        (Kind::Dat, at(1 << 33), "event 1: time 8589934592 us is too far after the last, 1 us"),
        (Kind::Aedat4, off, "event 1: pixel (320, 0) outside the 320x240 sensor"),
        (Kind::Aedat4, at(u64::MAX), "event 1: time 18446744073709551615 us is too far after"),
        (Kind::Npz, at(u64::MAX), "event 1: time 18446744073709551615 us is too far after"),
    ];
    for (kind, event, said) in cases {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer =
            Writer::new(kind, file.as_file(), Some(SENSOR), Compression::None).unwrap();
        let refused = writer.write(&[at(1), event]).unwrap_err().to_string();
        assert!(refused.starts_with(said), "{kind}: {refused}");
        writer.finish().unwrap();
        assert_eq!(read_to_end(&mut open(file.path()).unwrap()).0, [at(1)], "{kind}");
    }
    for kind in [Kind::Dat, Kind::Aedat4, Kind::EventStream] {
        let refused = Writer::new(kind, Vec::new(), None, Compression::None).unwrap_err();
        assert!(matches!(refused, WriteError::NoGeometry), "{kind}: {refused}");
    }
}

#[test]
fn a_header_reads_back_too() {
    let file = evt2_file(&[], Some(SENSOR));
    assert_eq!(opened(&file).unwrap().geometry(), Some(SENSOR));
    let file = es_file(&[]);
    assert_eq!(opened(&file).unwrap().geometry(), Some(SENSOR));
}

#[test]
fn an_event_stream_refuses_steps_back_long_silence_and_pixels_off_the_sensor() {
    let wide = CameraEvent { x: 320, ..at(9) };
    let refusals = [
        ([at(9), at(8)], "event 1: time 8 us is before the last, 9 us"),
        ([at(9), at(u64::MAX)], "is too far after the last, 9 us"),
        ([at(9), wide], "event 1: pixel (320, 0) outside the 320x240 sensor"),
    ];
    for (events, part) in refusals {
        let mut file = Vec::new();
        let mut writer = write::es::Writer::new(&mut file, SENSOR).unwrap();
        let message = writer.write(&events).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
        let (read, fault) = read_file(&file);
        assert_eq!((read, fault.is_none()), (vec![at(9)], true), "the event before is written");
    }
}

#[test]
fn evt2_refuses_pixels_off_the_sensor_or_beyond_its_words() {
    let wide = CameraEvent { x: 2048, ..at(9) };
    for (geometry, part) in [(None, "11 bits"), (Some(SENSOR), "outside the 320x240 sensor")] {
        let mut file = Vec::new();
        let mut writer = write::evt2::Writer::new(&mut file, geometry).unwrap();
        let message = writer.write(&[at(9), wide, at(10)]).unwrap_err().to_string();
        assert!(
            message.contains("event 1: pixel (2048, 0)") && message.contains(part),
            "{message}"
        );
        assert_eq!(read_file(&file).0, [at(9)], "the event before is written");
    }
}

#[test]
fn a_sink_that_refuses_is_an_error() {
    let mut room = [0; 30];
    let mut writer = write::es::Writer::new(&mut room[..], SENSOR).unwrap();
    assert!(matches!(writer.write(&[at(0); 3]), Err(WriteError::Io(_))));
    let (read, fault) = read_file(&room[..23]);
    assert!(read.is_empty() && matches!(fault, Some(Fault::Truncated { offset: 20, .. })));
}

#[test]
fn csv_has_a_line_an_event() {
    let mut writer = write::csv::Writer::new(Vec::new()).unwrap();
    writer.write(&[CameraEvent { t_us: 913_716_224, x: 639, y: 479, on: true }]).unwrap();
    writer.write(&[at(7)]).unwrap();
    let text = String::from_utf8(writer.finish().unwrap()).unwrap();
    assert_eq!(text, "t_us,x,y,polarity\n913716224,639,479,1\n7,0,0,0\n");
}
