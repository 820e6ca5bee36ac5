//! A file cut anywhere gives the events before the cut, then says where it ends.

use spiked_recordings::{CameraEvent, Fault};

use crate::support::{SENSOR, es_file, evt2_file, evt3_file, read_file, some_events};

/// Where the header ends, and where each event ends, found by writing ever longer files.
fn ends(
    events: &[CameraEvent],
    written: impl Fn(&[CameraEvent]) -> Vec<u8>,
) -> (usize, Vec<usize>) {
    let ends = (1..=events.len()).map(|count| written(&events[..count]).len()).collect();
    (written(&[]).len(), ends)
}

/// Caught: the last event given out although its last byte is missing; no error for the rest.
fn check_every_cut(written: impl Fn(&[CameraEvent]) -> Vec<u8>, header_may_end_early: bool) {
    let events = some_events(60);
    let file = written(&events);
    let (header, ends) = ends(&events, &written);
    assert_eq!(ends.last(), Some(&file.len()));
    for cut in 0..file.len() {
        let (read, fault) = read_file(&file[..cut]);
        let whole = ends.iter().filter(|&&end| end <= cut).count();
        assert_eq!(read, events[..whole], "cut at byte {cut}");
        match fault {
            None if cut < header => assert!(header_may_end_early, "cut at byte {cut}"),
            None => {}
            Some(Fault::Truncated { offset, held, whole }) => {
                assert!(held > 0 && held < whole);
                assert_eq!(offset + held as u64, cut as u64);
            }
            Some(fault) => assert!(cut < header, "cut at byte {cut}: {fault}"),
        }
        if ends.contains(&cut) {
            assert!(read_file(&file[..cut]).1.is_none(), "a whole file, cut at byte {cut}");
        }
    }
}

#[test]
fn of_an_event_stream() {
    check_every_cut(es_file, false);
    let file = es_file(&some_events(1));
    let (_, fault) = read_file(&file[..file.len() - 1]);
    assert_eq!(fault.unwrap().to_string(), "is cut: at byte 20 there are 4 of 5 bytes");
}

#[test]
fn of_evt2() {
    check_every_cut(|events| evt2_file(events, Some(SENSOR)), true);
    check_every_cut(|events| evt2_file(events, None), true);
    let file = [&b"% evt 2.0\n"[..], &[0, 0, 0, 0x80, 1, 2, 3]].concat();
    let (_, fault) = read_file(&file);
    assert_eq!(fault.unwrap().to_string(), "is cut: at byte 14 there are 3 of 4 bytes");
}

#[test]
fn of_evt3() {
    check_every_cut(evt3_file, true);
}

#[test]
fn inside_a_header() {
    let cut = |file: &[u8]| read_file(file).1.unwrap().to_string();
    let message = "is cut inside its header: it ends after";
    assert_eq!(cut(b"Event Stream\x02\x00"), format!("{message} 14 bytes"));
    assert_eq!(cut(b"%"), format!("{message} 1 bytes"));
    assert_eq!(cut(b"% evt 2.0\n% geom"), format!("{message} 16 bytes"));
}
