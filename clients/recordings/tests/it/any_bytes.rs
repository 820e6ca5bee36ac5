//! Whatever a file holds, and however it arrives, reading it ends in events or a typed error.

use proptest::prelude::*;
use spiked_recordings::{CameraEvent, Geometry, Recording};

use crate::support::{
    Portions, SENSOR, behind_a_chunk, es_file, evt2_file, evt3_file, read_to_end, some_events,
};

/// Makes a file of events.
type Written = fn(&[CameraEvent]) -> Vec<u8>;

/// Headers, each with a byte that means nothing behind it.
const HEADERS: [(&[u8], u8); 7] = [
    (b"Event Stream\x02\x00\x00\x01\x40\x01\xF0\x00", 0xFE),
    (b"Event Stream\x02\x00\x00\x02\x40\x01\xF0\x00", 0xFC),
    (b"Event Stream\x02\x00\x00\x04\x40\x01\xF0\x00", 0xFE),
    (b"Event Stream\x02\x00\x00\x00", 0xFE),
    (b"% evt 2.0\n", 0xFF),
    (b"% format EVT2;width=1500;height=1500\n% end\n", 0xFF),
    (b"% evt 3.0\n", 0xFF),
];

const STARTS: [&[u8]; 6] =
    [b"", b"%", b"% ", b"% evt ", b"% evt 2.0\n% geometry ", b"Event Stream"];

/// Events, then the fault and what is counted as text: everything that reading a file gives.
fn read(file: &[u8], portion: usize, given: Option<Geometry>) -> (Vec<CameraEvent>, String) {
    let reader = Portions { bytes: file, portion };
    let mut recording = match Recording::survey(reader, "file", None) {
        Ok(recording) => recording,
        Err(error) => return (Vec::new(), error.to_string()),
    };
    if let Some(Err(error)) = given.map(|given| recording.set_geometry(given)) {
        return (Vec::new(), error.to_string());
    }
    let (events, fault) = read_to_end(&mut recording);
    let fault = fault.map(|fault| fault.to_string()).unwrap_or_default();
    (events, format!("{fault} {:?}", recording.notes()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Caught: an offset that forgets the bytes of an event which a portion's end cuts.
    #[test]
    fn never_panic_and_portions_change_nothing(
        (header, filler) in prop::sample::select(&HEADERS),
        body in prop::collection::vec(any::<u8>(), 0..400),
        portion in 1..9_usize,
        given in prop::option::of(Just(SENSOR)),
    ) {
        let file = behind_a_chunk(header, filler, &body);
        prop_assert_eq!(read(&file, portion, given), read(&file, usize::MAX, given));
    }

    #[test]
    fn never_panic_in_a_header_either(
        start in prop::sample::select(&STARTS),
        rest in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        read(&[start, &rest].concat(), usize::MAX, None);
    }

    #[test]
    fn one_wrong_byte_in_a_good_file_does_no_more_harm_than_that(
        place in any::<prop::sample::Index>(),
        value: u8,
        portion in 1..9_usize,
    ) {
        let written: [(Written, u8); 3] = [
            (es_file, 0xFE),
            (|events| evt2_file(events, Some(SENSOR)), 0xFF),
            (evt3_file, 0xFF),
        ];
        for (written, filler) in written {
            let (header, mut file) = (written(&[]), written(&some_events(50)));
            let place = place.index(file.len());
            file[place] = value;
            let (header, body) = file.split_at(header.len());
            let file = behind_a_chunk(header, filler, body);
            prop_assert_eq!(read(&file, portion, None), read(&file, usize::MAX, None));
        }
    }
}

/// The buffer's border falls on every byte of an event, once.
#[test]
fn a_chunks_border_falls_anywhere() {
    let events = some_events(70_000);
    for padding in 0..5 {
        let mut file = es_file(&[]);
        file.extend(std::iter::repeat_n(0xFE, padding));
        file.extend_from_slice(&es_file(&events)[20..]);
        assert_eq!(read(&file, usize::MAX, None).0, events);
    }
    for header_end in ["", "x", "xx", "xxx"] {
        let mut file = format!("% evt 2.0\n% note {header_end}\n% end\n").into_bytes();
        file.extend_from_slice(&evt2_file(&events, None)[b"% evt 2.0\n% end\n".len()..]);
        assert_eq!(read(&file, usize::MAX, Some(SENSOR)).0, events);
    }
}
