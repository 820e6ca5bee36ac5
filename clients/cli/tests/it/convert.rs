//! `spiked convert`: recordings as text.

use crate::{
    files::{Folder, texture},
    process::tell,
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
