//! A file is what its first bytes say, and what cannot be read is refused by name.

use std::fs;

use spiked_recordings::{Fault, Format, open};

use crate::support::{es_file, evt2_file, evt3_file, message, opened, some_events};

#[test]
fn tells_the_formats_it_reads_by_their_content() {
    let events = some_events(3);
    let files = [
        (es_file(&events), Format::EventStream),
        (evt2_file(&events, None), Format::Evt2),
        (evt3_file(&events), Format::Evt3),
        (b"% evt 2.0\n".to_vec(), Format::Evt2),
        (b"% format EVT2;width=640;height=480\n\0\0\0\0".to_vec(), Format::Evt2),
        (b"% evt 2.0\n% format EVT3\n% end\n".to_vec(), Format::Evt3),
        (b"#!AER-DAT1.0\r\n".to_vec(), Format::Aedat1),
        (b"#!AER-DAT2.0\r\n# AEChip: DVS128\r\n".to_vec(), Format::Aedat2),
    ];
    for (file, format) in files {
        assert_eq!(opened(&file).unwrap().format(), format);
    }
}

#[test]
fn refuses_unknown_content_with_its_first_bytes() {
    for file in [&b"\x00hello"[..], b"Event Strea", b"#!AER-DAT9.0", b"%\x01\x02\n", b"%x\n"] {
        let fault = opened(file).unwrap_err().fault;
        assert!(matches!(fault, Fault::Unknown { .. }), "{fault}");
    }
    assert_eq!(
        message(b"\x00hello"),
        "file: is in no known event format: it begins with 00 68 65 6c 6c 6f (\"\\x00hello\")"
    );
}

#[test]
fn refuses_what_is_no_file_in_a_readable_line() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.raw");
    fs::write(&empty, []).unwrap();
    let missing = folder.path().join("missing.es");
    for (path, end) in [
        (folder.path(), ": is a directory, not a recording"),
        (&missing, ": no such file"),
        (&empty, ": is empty"),
    ] {
        let expected = format!("{}{end}", path.display());
        assert_eq!(open(path).unwrap_err().to_string(), expected);
    }
}
