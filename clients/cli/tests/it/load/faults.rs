//! What goes wrong on order, each with what is expected of the daemon.

use super::{assert_exact, load_with, report};
use crate::{files::Folder, process::Told};

const ALL: [&str; 8] = [
    "slow-reader",
    "stalled-reader",
    "resets",
    "reconnects",
    "churn",
    "bursts",
    "same-pixel",
    "fan-out",
];

/// All at once, beside a load whose own output they must not change.
#[test]
fn each_fault_does_what_is_expected_and_harms_nobody_else() {
    let folder = Folder::new();
    let json = folder.path("load.json");
    let out = json.display().to_string();
    let words = ["--recording", "noise:320x240@20k", "--rate", "20k", "--duration", "3s"];
    let mut loading = load_with(words);
    loading.args(["--sessions", "2", "--json", &out]);
    loading.args(ALL.iter().flat_map(|fault| ["--fault", fault]));
    let told = Told::of(loading.output().expect("spiked runs")).done();
    let report = report(&json);
    assert_exact(&report, 2);
    let faults = report["faults"].as_array().expect("a list");
    assert_eq!(faults.len(), ALL.len(), "{}", told.stdout);
    for (fault, name) in faults.iter().zip(ALL) {
        assert_eq!((fault["fault"].as_str(), fault["holds"].as_bool()), (Some(name), Some(true)));
    }
    // They did happen.
    let seen = |name: &str| told.value(name).to_owned();
    assert!(!seen("reconnects").contains(": 0 breaks"), "{}", told.stdout);
    assert!(!seen("resets").contains(": 0 connections"), "{}", told.stdout);
    assert!(seen("fan-out").contains(" deliveries"), "{}", told.stdout);
}
