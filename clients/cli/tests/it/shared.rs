//! Recordings of real sensors, where they are at hand.

use std::path::PathBuf;

use crate::process::tell;

/// A recording of the shared data, which lies beside the repository.
fn recording(test: &str, name: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/recordings")
        .join(name);
    if path.exists() {
        return Some(path.display().to_string());
    }
    #[expect(clippy::print_stderr, reason = "a skip must be seen")]
    {
        eprintln!("SKIPPED shared::{test}: {} is not there", path.display());
    }
    None
}

#[test]
fn one_scene_in_two_formats_gives_one_digest() {
    let test = "one_scene_in_two_formats_gives_one_digest";
    let (Some(es), Some(evt3)) = (recording(test, "dvs.es"), recording(test, "dvs_evt3.raw"))
    else {
        return;
    };
    let first = tell(["run", "motion", &es]).done();
    // The same on every machine and in every build of this dynamics version.
    assert_eq!(
        first.value("digest"),
        "sha256:effb2d4bbd9d1f200c3f1be203206efa76d16569589060f37f5097bc8c966045"
    );
    assert_eq!(first.value("events").split(" in ").next(), Some("473 225"));
    let second = tell(["run", "motion", &evt3, "--batch", "1000"]).done();
    assert_eq!(first.value("digest"), second.value("digest"));
}

#[test]
fn a_recording_without_a_size_asks_for_it_and_then_runs() {
    let test = "a_recording_without_a_size_asks_for_it_and_then_runs";
    let Some(file) = recording(test, "evt2.raw") else {
        return;
    };
    let told = tell(["run", "motion-1us", &file]);
    assert_eq!(told.status, Some(2));
    let said = "names no sensor size in its header; its largest pixel is (639, 479)";
    assert!(told.stderr.contains(said), "{}", told.stderr);
    assert!(told.stderr.contains("--geometry 640x480"), "{}", told.stderr);
    let told = tell(["run", "motion-1us", &file, "--geometry", "640x480"]).done();
    assert_eq!(told.value("events").split(" in ").next(), Some("521 252"));
    assert_eq!(
        told.value("digest"),
        "sha256:7466bfe5fb3c5bfe940eaafdbcf8818631481fc9c80a7700a1975f6ab7be5fdc"
    );
}
