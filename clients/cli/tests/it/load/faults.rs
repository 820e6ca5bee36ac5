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
    // They did happen, and there was something to compare.
    let seen = |name: &str| told.value(name).to_owned();
    assert!(!seen("slow-reader").contains(", 0 items "), "{}", told.stdout);
    assert!(!seen("reconnects").contains(", 0 of output"), "{}", told.stdout);
    assert!(!seen("churn").contains(" with 0 items "), "{}", told.stdout);
    assert!(!seen("reconnects").contains(": 0 breaks"), "{}", told.stdout);
    assert!(!seen("resets").contains(": 0 connections"), "{}", told.stdout);
    assert!(seen("stalled-reader").contains(": held up behind "), "{}", told.stdout);
    assert!(seen("bursts").contains(", 0 dropped, 2 of 2 "), "{}", told.stdout);
    assert!(seen("fan-out").contains(" deliveries"), "{}", told.stdout);
}

/// A short soak: sessions and connections come, break and go, and the daemon takes no more memory for it.
/// Seen to fail with the daemon's handle of each session, which is over, kept.
#[test]
fn memory_stays_where_it_is_while_sessions_come_and_go() {
    let folder = Folder::new();
    let json = folder.path("soak.json");
    let out = json.display().to_string();
    let words = ["--recording", "noise:320x240@20k", "--rate", "20k", "--duration", "10s"];
    let mut loading = load_with(words);
    loading.args(["--sessions", "4", "--connections", "2", "--compared", "1", "--json", &out]);
    // Two hundred sessions a churn.
    loading.args(
        ["churn", "churn", "churn", "churn", "resets", "reconnects"]
            .map(|fault| format!("--fault={fault}")),
    );
    Told::of(loading.args(["--assert", "memory < 300MB"]).output().expect("spiked runs")).done();
    let report = report(&json);
    assert_exact(&report, 1);
    let intervals = report["intervals"].as_array().expect("a list");
    let most = |from: f64, to: f64| {
        let within = intervals.iter().filter(|each| {
            let end_s = each["end_s"].as_f64().expect("a number");
            (from..to).contains(&end_s)
        });
        within.filter_map(|each| each["daemon_resident_bytes"].as_u64()).max().expect("some")
    };
    // What a session takes and does not give back would be there three hundred times.
    let (before, after) = (most(3.0, 6.5), most(6.5, 10.1));
    assert!(before > 1_000_000, "{before}");
    assert!(after < before + (4 << 20), "{before} bytes, then {after}");
}
