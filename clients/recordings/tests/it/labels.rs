//! Labels beside recordings, as DVS-Gesture has them.

use std::fs;

use proptest::prelude::*;
use spiked_recordings::{
    CameraEvent, Fault,
    labels::{Segment, Span, beside, parse, read},
};

use crate::support::some_events;

/// The layout of the data set.
const TEXT: &str = "class,startTime_usec,endTime_usec\n1,80048239,85092709\n2,89431170,95231007\n";

const fn segment(label: u32, start_us: u64, end_us: u64) -> Segment {
    Segment { label, span: Span { start_us, end_us } }
}

const SEGMENTS: [Segment; 2] =
    [segment(1, 80_048_239, 85_092_709), segment(2, 89_431_170, 95_231_007)];

#[test]
fn segments_are_read_in_their_order_whatever_that_of_the_columns() {
    assert_eq!(parse(TEXT.as_bytes()).unwrap(), SEGMENTS);
    let other = "\u{FEFF}endTime_usec , Class,note,startTime_usec\r\n\r\n85092709,1,waves,80048239\r\n\
                 95231007, 2 ,,89431170";
    assert_eq!(parse(other.as_bytes()).unwrap(), SEGMENTS);
    assert_eq!(parse(b"class,startTime_usec,endTime_usec\n").unwrap(), []);
}

#[test]
fn labels_are_found_beside_their_recording() {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("user01_led.aedat");
    assert_eq!(beside(&recording), None);
    let labels = folder.path().join("user01_led_labels.csv");
    fs::write(&labels, TEXT).unwrap();
    assert_eq!(beside(&recording), Some(labels.clone()));
    assert_eq!(read(&labels).unwrap(), SEGMENTS);
    let missing = folder.path().join("none.csv");
    assert!(matches!(read(&missing).unwrap_err().fault, Fault::Missing));
    assert!(matches!(read(folder.path()).unwrap_err().fault, Fault::Directory));
}

#[test]
fn a_line_that_is_no_segment_is_named() {
    let head = "class,startTime_usec,endTime_usec\n";
    let whole = "expected a whole number of 0 or more";
    for (text, expected) in [
        (String::new(), "is empty".to_owned()),
        (
            "label,start,end\n1,2,3\n".into(),
            "has \"label,start,end\" as names of columns in line 1, expected class, \
             startTime_usec and endTime_usec"
                .into(),
        ),
        (format!("{head}1,5,9\n\n1,5"), "has 2 of 3 columns in line 4".into()),
        (format!("{head}1,-5,9\n"), format!("has \"-5\" as startTime_usec in line 2, {whole}")),
        (format!("{head}1,5,9.5\n"), format!("has \"9.5\" as endTime_usec in line 2, {whole}")),
        (
            format!("{head}1,5,4\n"),
            "has \"4\" as endTime_usec in line 2, expected none before the segment's start".into(),
        ),
        (
            format!("{head}4294967296,5,9\n"),
            "has \"4294967296\" as class in line 2, expected no more than 4294967295".into(),
        ),
        (
            format!("{head}1,5,18446744073709551616\n"),
            format!("has \"18446744073709551616\" as endTime_usec in line 2, {whole}"),
        ),
    ] {
        assert_eq!(parse(text.as_bytes()).unwrap_err().to_string(), expected);
    }
    let long = [TEXT.as_bytes(), &[b'\n'; 1 << 25]].concat();
    let expected = "has more than 33554432 bytes, and is no file of labels";
    assert_eq!(parse(&long).unwrap_err().to_string(), expected);
}

/// Nothing in the file tells where it should end, so that a number may lack its last digits; no more than
/// that is wrong.
#[test]
fn a_file_cut_anywhere_gives_segments_of_it_or_a_fault() {
    for cut in 0..TEXT.len() {
        if let Ok(segments) = parse(&TEXT.as_bytes()[..cut]) {
            let whole = segments.iter().zip(SEGMENTS).all(|(read, written)| {
                *read == written || read.span.start_us == written.span.start_us
            });
            assert!(whole && segments.len() <= 2, "cut at byte {cut}: {segments:?}");
        }
    }
}

#[test]
fn a_span_has_its_first_time_and_not_its_last() {
    let span = Span { start_us: 10, end_us: 20 };
    let at = |t_us| CameraEvent { t_us, x: 0, y: 0, on: true };
    let mut events: Vec<_> = [9, 10, 25, 19, 20, 15].map(at).to_vec();
    span.cut(&mut events);
    assert_eq!(events, [10, 19, 15].map(at));
    let mut none = some_events(30);
    Span { start_us: 7, end_us: 7 }.cut(&mut none);
    assert_eq!(none, []);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&[b"class,startTime_usec,endTime_usec\n", bytes.as_slice()].concat());
    }
}
