//! `spiked convert`: recordings in other formats.

use std::{io::Write as _, process::Stdio};

use crate::{
    files::{Folder, SENSOR, later, texture},
    process::{signal, spiked, tell},
};

#[test]
fn writes_a_line_an_event_to_a_file_or_to_standard_output() {
    let folder = Folder::new();
    let recording = folder.texture().display().to_string();
    let out = folder.path("out.csv");
    tell(["convert", &recording, &out.display().to_string()]).done();
    let text = std::fs::read_to_string(out).unwrap();
    assert_eq!(text.lines().count(), 1 + texture().len());
    let first = texture()[0];
    let line = format!("{},{},{},{}", first.t_us, first.x, first.y, u8::from(first.on));
    assert_eq!(text.lines().nth(1), Some(line.as_str()));
    assert_eq!(tell(["convert", &recording, "-"]).done().stdout, text);
}

/// From a real file of each format to each other and back to text: no event changes on the way.
#[test]
fn every_format_reads_back_as_the_same_text() {
    let folder = Folder::new();
    let recording = folder.texture().display().to_string();
    let text = tell(["convert", &recording, "-"]).done().stdout;
    let targets: [(&str, &[&str]); 9] = [
        ("a.raw", &[]),
        ("b.raw", &["--to", "evt2"]),
        ("c.dat", &[]),
        ("d.aedat4", &[]),
        ("e.aedat4", &["--compression", "zstd"]),
        ("f.aedat4", &["--compression", "none"]),
        ("g.es", &[]),
        ("h.npz", &[]),
        ("i.csv", &[]),
    ];
    for (name, more) in targets {
        let out = folder.path(name).display().to_string();
        tell([&["convert", &recording, &out], more].concat()).done();
        let again = tell(["convert", &out, "-"]).done().stdout;
        assert!(again == text, "{name}: the text differs");
        let summed = tell(["info", &out]).done();
        assert_eq!(summed.value("events").replace(' ', ""), texture().len().to_string(), "{name}");
    }
}

#[test]
fn times_can_be_counted_from_the_first_event() {
    let folder = Folder::new();
    let late = folder.evt2("late.raw", Some(SENSOR), &later(&texture(), 1 << 33));
    let (late, out) = (late.display().to_string(), folder.path("early.es").display().to_string());
    let told = tell(["convert", &late, &out]);
    assert_eq!(told.status, Some(1));
    assert!(told.stderr.contains("hint: --from-zero"), "{}", told.stderr);
    assert!(!folder.path("early.es").exists(), "nothing stands under the name");
    tell(["convert", &late, &out, "--from-zero"]).done();
    assert!(tell(["info", &out]).done().value("first").starts_with("0.000000 s"));
}

#[test]
fn misuse_is_told_with_a_way_out() {
    let folder = Folder::new();
    let recording = folder.texture().display().to_string();
    let told = tell(["convert", &recording, "out.mp4"]);
    assert_eq!(told.status, Some(2));
    assert!(told.stderr.contains("--to evt3"), "{}", told.stderr);
    let sizeless = folder.evt2("sizeless.raw", None, &texture()).display().to_string();
    let told = tell(["convert", &sizeless, &folder.path("out.dat").display().to_string()]);
    assert_eq!(told.status, Some(2));
    assert!(told.stderr.contains("--geometry"), "{}", told.stderr);
}

/// What could be read of a damaged recording is there, and the fault is told.
#[test]
fn a_damaged_recording_is_written_as_far_as_it_goes() {
    let folder = Folder::new();
    let whole = std::fs::read(folder.texture()).expect("it is there");
    let cut = folder.write("cut.es", &whole[..whole.len() - 3]).display().to_string();
    let out = folder.path("cut.csv");
    let told = tell(["convert", &cut, &out.display().to_string()]);
    assert_eq!(told.status, Some(1));
    assert!(told.stderr.contains("is cut: at byte"), "{}", told.stderr);
    let lines = std::fs::read_to_string(out).expect("it is there").lines().count();
    assert_eq!(lines, texture().len(), "a header and all events but the last");
}

/// Ctrl-C in the middle leaves neither half a file nor another one.
#[test]
fn an_interrupted_conversion_leaves_nothing_behind() {
    let folder = Folder::new();
    let out = folder.path("out/street.csv");
    std::fs::create_dir(folder.path("out")).expect("it can be made");
    let mut child = spiked(["convert", "/dev/stdin", &out.display().to_string()])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("spiked runs");
    let mut input = child.stdin.take().expect("a pipe");
    let text: String = (0..50_000).map(|t| format!("{t},1,2,1\n")).collect();
    // More than a pipe holds, so that it has begun when this is through.
    input.write_all(text.as_bytes()).expect("it reads");
    signal(&child, "INT");
    // It looks up between two portions.
    let _ = input.write_all(text.as_bytes());
    drop(input);
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let left = std::fs::read_dir(folder.path("out")).expect("a folder").count();
    assert_eq!(left, 0, "nothing is left");
}
