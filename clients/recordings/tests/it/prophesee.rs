//! Prophesee's text header: where it ends, what it says, where it lies.

use spiked_recordings::{Fault, Format};

use crate::support::{SENSOR, message, opened, read_file};

/// TIME_HIGH 0, then an OFF event at (1, 2).
const WORDS: &[u8] = &[0, 0, 0, 0x80, 2, 8, 0, 0];

fn with_words(header: &[u8]) -> Vec<u8> {
    [header, WORDS].concat()
}

#[test]
fn finds_the_sensor_size_wherever_it_stands() {
    let headers: [&[u8]; 4] = [
        b"% evt 2.0\n% geometry 320x240\n",
        b"% format EVT2;height=240;width=320\n",
        b"% format EVT2;width=320;height=240\n% geometry 320x240\n% end\n",
        b"% evt 2.0\n% Width 320\n% Height 240\n% end\n",
    ];
    for header in headers {
        let file = with_words(header);
        assert_eq!(opened(&file).unwrap().geometry(), Some(SENSOR));
        assert_eq!(read_file(&file).0.len(), 1);
    }
    assert_eq!(opened(b"% evt 2.0\n").unwrap().geometry(), None);
}

#[test]
fn keeps_the_header_key_by_key() {
    let file = with_words(b"% Date 2020-09-25 07:48:31\r\n% flag\n% evt 2.0\n");
    let recording = opened(&file).unwrap();
    let expected = [("Date", "2020-09-25 07:48:31"), ("flag", ""), ("evt", "2.0")];
    assert_eq!(recording.header(), expected.map(|(key, value)| (key.into(), value.into())));
}

/// An event whose first byte is a percent sign, behind a header that has its end line or not.
#[test]
fn binary_that_begins_like_a_header_is_no_header() {
    let event = [b'%', 0, 0, 0];
    let blank = [b'%', b' ', 0, 0];
    let newline = [b'\n', 0, 0, 0];
    for header in [&b"% evt 2.0\n"[..], b"% evt 2.0\n% end\n"] {
        let ending: &[&[u8]] = &[&event, &newline, &blank, &newline];
        for body in [&[&blank[..], &newline][..], ending] {
            let file = [header, &body.concat()].concat();
            let mut recording = opened(&file).unwrap();
            assert_eq!(recording.bytes_read(), header.len() as u64);
            recording.next_events(&mut Vec::new()).unwrap();
            assert_eq!(recording.counts().unwrap().unplaced, body.len() as u64);
        }
    }
}

#[test]
fn refuses_a_header_that_makes_no_sense() {
    let headers: [(&[u8], &str); 7] = [
        (b"% evt 7.0\n", "\"7.0\" as evt"),
        (b"% format EVT7;width=3;height=3\n", "\"EVT7\" as format"),
        (b"% evt 2.0\n% geometry 320\n", "\"320\" as geometry"),
        (b"% evt 2.0\n% geometry 0x240\n", "\"0x240\" as geometry"),
        (b"% format EVT2;width=99999;height=2\n", "\"99999x2\" as format"),
        (b"% date today\n% end\n", "names neither"),
        (
            b"% format EVT2;width=320;height=240\n% geometry 640x480\n",
            "two sensor sizes in its header, 640x480 and 320x240",
        ),
    ];
    for (header, part) in headers {
        let message = message(&with_words(header));
        assert!(message.starts_with("file: ") && message.contains(part), "{message}");
    }
}

#[test]
fn refuses_a_header_without_end() {
    let line = b"% evt 2.0\n";
    let file = line.repeat(10_000);
    assert!(opened(&file).unwrap_err().to_string().contains("more than 65536 bytes"));
    let file = [&line[..], b"% ", &[b'x'; 100_000]].concat();
    assert!(matches!(opened(&file).unwrap_err().fault, Fault::HeaderTooLong { .. }));
}

#[test]
fn evt3_drops_and_counts_what_is_off_the_sensor() {
    let words: [u16; 6] = [0x8000, 240, 0x2000, 239, 0x2000 | 320, 0x2000 | 319];
    let body: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let file = [&b"% evt 3.0\n% geometry 320x240\n"[..], &body].concat();
    let mut recording = opened(&file).unwrap();
    assert_eq!(recording.format(), Format::Evt3);
    assert_eq!(recording.next_events(&mut Vec::new()).unwrap(), 1);
    let counts = recording.counts().unwrap();
    assert_eq!((counts.events, counts.outside), (1, 2));
}
