//! `spiked info`: what a recording holds.

use crate::{
    files::{Folder, LATE_US, SENSOR, later, texture},
    process::tell,
};

#[test]
fn sums_up_a_recording() {
    let folder = Folder::new();
    let events = texture();
    let file = folder.evt2("texture.raw", Some(SENSOR), &later(&events, LATE_US));
    let told = tell([file.as_os_str(), "info".as_ref()].into_iter().rev()).done();
    assert_eq!(told.value("format"), "Prophesee RAW EVT2");
    assert_eq!(told.value("sensor"), "48x32");
    let count: u64 = told.value("events").replace(' ', "").parse().unwrap();
    assert_eq!(count, events.len() as u64);
    assert!(told.value("first").starts_with("913.716"), "{}", told.stdout);
    assert!(told.value("polarity").contains("% ON, "));
}

#[test]
fn a_size_that_is_not_in_the_header_is_guessed_from_the_largest_pixel() {
    let folder = Folder::new();
    let file = folder.evt2("texture.raw", None, &texture());
    let told = tell([file.as_os_str(), "info".as_ref()].into_iter().rev()).done();
    let expected = "not named in the header; the largest pixel is (47, 31), so perhaps --geometry";
    assert!(told.value("sensor").starts_with(expected), "{}", told.stdout);
}
