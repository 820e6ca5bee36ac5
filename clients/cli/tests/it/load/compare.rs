//! `spiked load compare`: a daemon that was slowed is found out, and two equal loads are equal.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use serde_json::Value;

use super::{load, load_with, report};
use crate::{
    files::Folder,
    process::{Daemon, Told, tell},
};

/// A load of a daemon that runs, written to a file.
fn measured(daemon: &Daemon, out: &str) {
    let words = ["--recording", "noise:320x240@20k", "--rate", "20k", "--duration", "4s"];
    let mut loading = load_with(words);
    let loading = loading.args(["--compared", "0", "--address", &daemon.address, "--json", out]);
    let told = Told::of(loading.output().expect("spiked runs"));
    told.done();
}

/// Stops and lets go a process again and again: it has a sixth of the time, so that most batches wait,
/// however busy the machine was before.
fn slowed(daemon: &Daemon, during: impl FnOnce()) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                daemon.signal("STOP");
                thread::sleep(Duration::from_millis(50));
                daemon.signal("CONT");
                thread::sleep(Duration::from_millis(10));
            }
        });
        during();
        over.store(true, Ordering::Relaxed);
    });
}

fn compared(before: &str, after: &str) -> Told {
    // Everything else on the machine is somebody's tests: twice as slow is not yet slow.
    tell(["load", "compare", before, after, "--tolerance", "1.0"])
}

#[test]
fn a_slowed_daemon_is_found_out_and_equal_loads_are_equal() {
    let (folder, daemon) = (Folder::new(), Daemon::start());
    let path = |name: &str| folder.path(name).display().to_string();
    let [before, again, slow] = ["before.json", "again.json", "slow.json"].map(path);
    measured(&daemon, &before);
    measured(&daemon, &again);
    slowed(&daemon, || measured(&daemon, &slow));
    let told = compared(&before, &again);
    assert_eq!(told.status, Some(0), "{}{}", told.stdout, told.stderr);
    let told = compared(&before, &slow);
    assert_eq!(told.status, Some(1), "{}{}", told.stdout, told.stderr);
    assert!(told.stderr.starts_with("error: worse: p"), "{}", told.stderr);
    assert!(told.stdout.contains("worse"), "{}", told.stdout);
    // The other way round it got better, which is no failure.
    let told = compared(&slow, &before);
    assert_eq!(told.status, Some(0), "{}{}", told.stdout, told.stderr);
    assert!(told.stdout.contains("better"), "{}", told.stdout);
}

#[test]
fn only_reports_of_equal_loads_are_compared() {
    let folder = Folder::new();
    let path = |name: &str| folder.path(name).display().to_string();
    let [one, other] = ["one.json", "other.json"].map(path);
    load(["--recording", "noise:320x240@20k", "--json", one.as_str()]).done();
    let against = |rate: Value| {
        let mut changed = report(one.as_ref());
        changed["settings"]["rate"] = rate;
        std::fs::write(&other, changed.to_string()).expect("written");
        let told = tell(["load", "compare", &one, &other]);
        assert_eq!(told.status, Some(2), "{}", told.stderr);
        told.stderr
    };
    let told = against("fast".into());
    assert!(told.contains("no report of spiked load"), "{told}");
    let told = against(9.0.into());
    assert!(told.contains("different loads: pace differ"), "{told}");
    let mut changed = report(one.as_ref());
    changed["settings"]["network"] = "motion 1".into();
    changed["settings"]["faults"] = Value::Array(vec!["churn".into()]);
    std::fs::write(&other, changed.to_string()).expect("written");
    let told = tell(["load", "compare", &one, &other]);
    assert_eq!(told.status, Some(2), "{}", told.stderr);
    assert!(told.stderr.contains("networks, faults differ"), "{}", told.stderr);
}
