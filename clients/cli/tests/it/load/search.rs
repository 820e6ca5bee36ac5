//! The highest rate: it is found, and what was found stays where the search ends early.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Stdio},
    time::Duration,
};

use super::{load_with, report};
use crate::{
    files::Folder,
    process::{Daemon, Told, signal},
};

#[test]
fn the_search_finds_the_rate_beyond_which_an_assertion_fails() {
    let words = ["--recording", "noise:320x240@20k", "--rate", "1k", "--duration", "500ms"];
    let mut searching = load_with(words);
    let searching = searching.args(["--search", "--assert", "rate < 6k"]);
    let told = Told::of(searching.output().expect("spiked runs")).done();
    let knee = told.value("knee");
    let knee: f64 = knee.split(' ').next().expect("a number").parse().expect("a number");
    assert!((5.0..6.6).contains(&knee), "{}", told.stdout);
    assert!(told.stdout.contains("too much"), "{}", told.stdout);
}

/// With what was found until then, and without trying further rates.
#[test]
fn ctrl_c_ends_a_search_with_what_was_found() {
    let folder = Folder::new();
    let json = folder.path("search.json");
    let words = ["--recording", "noise:320x240@20k", "--rate", "1k", "--duration", "1s"];
    let mut child = load_with(words)
        .args(["--search", "--assert", "p99 < 100s", "--json"])
        .arg(&json)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("spiked runs");
    std::thread::sleep(Duration::from_millis(4_500));
    assert!(child.try_wait().expect("ours").is_none(), "no rate was too much yet");
    signal(&child, "INT");
    let told = Told::of(child.wait_with_output().expect("it ends")).done();
    assert!(told.value("knee").contains("ended early"), "{}", told.stdout);
    let found = report(&json);
    assert_eq!(found["format"], "spiked-load-search 1");
    assert_eq!(found["stopped"], true);
    let probes = found["probes"].as_array().expect("a list");
    let rates: Vec<_> = probes.iter().filter_map(|probe| probe["rate"].as_f64()).collect();
    let doubled = (0..).map(|step| 1e3 * f64::powi(2.0, step)).take(rates.len());
    assert!(!rates.is_empty() && rates.len() < 6, "{rates:?}");
    assert!(rates.iter().copied().eq(doubled), "{rates:?}");
    assert_eq!(found["knee"].as_f64(), rates.last().copied());
    assert_eq!(told.stdout.matches("holds").count(), rates.len(), "{}", told.stdout);
}

/// Reads what a search says until so many rates were served well.
fn after_rates(child: &mut Child, rates: usize) -> String {
    let mut stdout = BufReader::new(child.stdout.as_mut().expect("a pipe"));
    let mut told = String::new();
    while told.matches("  holds  ").count() < rates {
        let read = stdout.read_line(&mut told).expect("text");
        assert!(read > 0, "it ended: {told}");
    }
    told
}

/// The rates before it were measured, and are told.
#[test]
fn a_rate_that_cannot_be_tried_loses_none_of_those_before_it() {
    let (folder, mut daemon) = (Folder::new(), Daemon::start());
    let json = folder.path("search.json");
    let words = ["--recording", "noise:320x240@20k", "--rate", "1k", "--duration", "1s"];
    let mut child = load_with(words)
        .args(["--search", "--assert", "p99 < 100s", "--address", &daemon.address, "--json"])
        .arg(&json)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("spiked runs");
    let mut stdout = after_rates(&mut child, 2);
    daemon.kill();
    child.stdout.take().expect("a pipe").read_to_string(&mut stdout).expect("text");
    let told = Told::of(child.wait_with_output().expect("it ends"));
    assert_eq!(told.status, Some(1), "{}", told.stderr);
    assert!(told.stderr.contains("error: at 4.00 k events/s: "), "{}", told.stderr);
    assert!(stdout.contains("4.00 k events/s  failed "), "{stdout}");
    assert!(stdout.contains("knee  2.00 k events/s or more: "), "{stdout}");
    let found = report(&json);
    assert_eq!(found["knee"], 2e3);
    assert_eq!(found["probes"].as_array().map(Vec::len), Some(2));
    assert_eq!(found["failed"]["rate"], 4e3);
    let why = found["failed"]["why"].as_str().expect("a reason");
    assert!(told.stderr.contains(why), "{why} in {}", told.stderr);
}
