//! `spiked load` against real daemons: what it measures is conserved and compared item by item, what is
//! asserted decides its exit status, and its reports are what they say.
//!
//! No test looks at how long anything took but where a daemon is slowed on purpose.

mod compare;
mod faults;
mod queues;
mod search;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use hdrhistogram::{
    Histogram,
    serialization::{
        Deserializer,
        interval_log::{IntervalLogIterator, LogEntry},
    },
};
use serde_json::Value;

use crate::{
    files::Folder,
    process::{Daemon, Told, signal, spiked, tell},
};

/// A load of the network that costs least, with a daemon of its own, which no machine is too slow for.
fn load_with<'a>(words: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = spiked(["load", "--network", "pool", "--own-lateness-max", "1h"]);
    command.args(words);
    command
}

/// The same, easy and of a second, to its end.
fn load<'a>(words: impl IntoIterator<Item = &'a str>) -> Told {
    let mut command = load_with(["--rate", "20k", "--duration", "1s"]);
    Told::of(command.args(words).output().expect("spiked runs"))
}

/// The report that a load wrote.
fn report(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("written");
    serde_json::from_str(&text).expect("JSON")
}

fn count(report: &Value, pointer: &str) -> u64 {
    let found = report.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {report}"));
    found.as_u64().unwrap_or_else(|| panic!("{pointer} is {found}"))
}

/// Everything that was sent was simulated, and what came back is what comes back without load.
fn assert_exact(report: &Value, sessions: u64) {
    assert_eq!(report["conserved"], true, "{report}");
    assert_eq!(count(report, "/counts/events_sent"), count(report, "/counts/events_simulated"));
    assert_eq!(count(report, "/compared/sessions"), sessions);
    assert!(count(report, "/compared/difference/compared") > 100, "{report}");
    for what in ["lost", "surplus", "reordered"] {
        assert_eq!(count(report, &format!("/compared/difference/{what}")), 0, "{report}");
    }
}

/// A recording and what is made here, at a rate and at a speed, over several connections.
#[test]
fn loads_of_every_kind_lose_nothing_and_change_nothing() {
    let folder = Folder::new();
    let json = folder.path("load.json");
    let texture = folder.texture().display().to_string();
    let out = json.display().to_string();
    let kinds: [&[&str]; 5] = [
        &["--recording", "noise:320x240@20k", "--sessions", "3", "--connections", "2"],
        &["--recording", "noise:320x240@20k", "texture:80x80", &texture, "--sessions", "4"],
        &["--recording", "noise:320x240@20k", "--durable", "interval", "--sessions", "2"],
        &["--recording", "noise:320x240@20k", "--gather", "20ms", "--batch", "50"],
        &["--recording", "noise:320x240@1M", "--sessions", "64"],
    ];
    for kind in kinds {
        load(kind.iter().copied().chain(["--json", &out])).done();
        let report = report(&json);
        assert_exact(&report, count(&report, "/settings/sessions").min(4));
        assert_eq!(count(&report, "/completed"), count(&report, "/settings/sessions"));
        assert!(count(&report, "/counts/events_due") >= count(&report, "/counts/events_sent"));
        // Twenty thousand a second for a second, give or take what was under way.
        let sent = count(&report, "/counts/events_sent");
        assert!((15_000..=20_100).contains(&sent), "{sent} of {kind:?}");
    }
}

#[test]
fn a_speed_is_that_of_the_recording() {
    let folder = Folder::new();
    let json = folder.path("load.json");
    let told = Told::of(
        load_with(["--recording", "noise:320x240@10k", "--speed", "2x", "--duration", "1s"])
            .arg("--json")
            .arg(&json)
            .output()
            .expect("spiked runs"),
    );
    told.done();
    let report = report(&json);
    assert_exact(&report, 1);
    let sent = count(&report, "/counts/events_sent");
    assert!((15_000..=20_600).contains(&sent), "twice 10 000 a second: {sent}");
}

/// A daemon that somebody else started is left as it was.
#[test]
fn a_daemon_that_runs_is_loaded_and_left_without_sessions() {
    let daemon = Daemon::start();
    let recording = ["--recording", "noise:320x240@20k", "--address", &daemon.address];
    let told = load(recording.into_iter().chain(["--sessions", "3"])).done();
    assert_eq!(told.value("valid"), "yes");
    assert!(told.value("compared").starts_with("3 sessions, "), "{}", told.stdout);
    let listed = tell(["sessions", "--address", &daemon.address]).done();
    assert!(!listed.stdout.contains("pool"), "{}", listed.stdout);
}

#[test]
fn assertions_decide_the_exit_status_and_say_what_was_found() {
    let noise = ["--recording", "noise:320x240@20k"];
    let told = load(noise.into_iter().chain(["--assert", "p99 < 1us", "--assert", "drops = 0"]));
    assert_eq!(told.status, Some(1), "{}", told.stderr);
    assert!(told.stderr.contains("error: not p99 < 1us: "), "{}", told.stderr);
    assert!(told.stdout.contains("drops = 0 holds: 0"), "{}", told.stdout);
    let holds = ["--assert", "p99 < 100s", "--assert", "lost = 0", "--assert", "rate > 1k"];
    load(noise.into_iter().chain(holds)).done();
}

/// The daemon stands still for a second. What the schedule wanted sent meanwhile counts from when it should
/// have been sent, although it could only be sent when there was room again.
#[test]
fn what_the_daemon_holds_up_counts_from_the_intended_moment() {
    let daemon =
        Daemon::start_with(&["--listen", "127.0.0.1:0", "--set", "limits.queue_events=2000"]);
    let folder = Folder::new();
    let json = folder.path("load.json");
    let child =
        load_with(["--recording", "noise:320x240@20k", "--rate", "20k", "--duration", "3s"])
            .args(["--compared", "0"])
            .args(["--assert", "p90 < 150ms", "--address", &daemon.address])
            .arg("--json")
            .arg(&json)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("spiked runs");
    std::thread::sleep(Duration::from_millis(1_500));
    daemon.signal("STOP");
    std::thread::sleep(Duration::from_secs(1));
    daemon.signal("CONT");
    let told = Told::of(child.wait_with_output().expect("it ends"));
    assert_eq!(told.status, Some(1), "{}", told.stdout);
    assert!(told.stderr.contains("not p90 < 150ms"), "{}", told.stderr);
    let report = report(&json);
    assert_eq!(report["conserved"], true);
    let us = |kind: &str| report["latencies_us"][kind]["p90"].as_f64().expect("measured");
    assert!(us("simulated") > 2.0 * us("simulated_from_sending"), "{}", told.stdout);
    assert!(us("simulated") > 2.0 * us("own_lateness"), "{}", told.stdout);
}

/// The generator's word on itself decides, too.
#[test]
fn a_generator_that_was_late_makes_its_figures_not_valid() {
    let mut loading = spiked(["load", "--network", "pool", "--recording", "noise:320x240@20k"]);
    loading.args(["--rate", "20k", "--duration", "1s", "--own-lateness-max", "1us"]);
    let told = Told::of(loading.output().expect("spiked runs"));
    assert_eq!(told.status, Some(1), "{}", told.stderr);
    assert!(told.stderr.contains("error: the figures are not valid: "), "{}", told.stderr);
    assert!(told.value("valid").contains("late by"), "{}", told.stdout);
}

/// A daemon is offered more than it may queue, and drops as it was told to.
#[test]
fn what_overload_drops_is_counted_and_such_output_is_not_compared() {
    let daemon =
        Daemon::start_with(&["--listen", "127.0.0.1:0", "--set", "limits.queue_events=2000"]);
    let folder = Folder::new();
    let json = folder.path("load.json");
    let words = ["--recording", "noise:320x240@20k", "--rate", "8M", "--duration", "1s"];
    let mut loading = load_with(words);
    loading.args(["--overload", "drop-newest", "--address", &daemon.address, "--json"]);
    loading.arg(&json).args(["--assert", "drops = 0"]);
    let told = Told::of(loading.output().expect("spiked runs"));
    assert_eq!(told.status, Some(1), "{}", told.stdout);
    assert!(told.stderr.contains("error: not drops = 0: "), "{}", told.stderr);
    let report = report(&json);
    assert_eq!(report["conserved"], true, "{}", told.stdout);
    let dropped = count(&report, "/drops/overload");
    assert!(dropped > 0 && dropped == count(&report, "/counts/events_dropped"), "{}", told.stdout);
    let (sent, simulated) =
        (count(&report, "/counts/events_sent"), count(&report, "/counts/events_simulated"));
    assert_eq!(sent, simulated + dropped, "{}", told.stdout);
    assert_eq!(count(&report, "/compared/inexact"), 1, "{}", told.stdout);
    let by_interval = report["intervals"].as_array().expect("a list").iter();
    let by_interval = by_interval.filter_map(|each| each["events_dropped"].as_u64());
    assert!(by_interval.sum::<u64>() > 0);
}

/// Where nobody watches there are lines, and no moving ones.
#[test]
fn a_load_that_nobody_watches_says_now_and_then_how_it_goes() {
    let words = ["--recording", "noise:320x240@20k", "--rate", "20k", "--duration", "3s"];
    let told = Told::of(load_with(words).output().expect("spiked runs")).done();
    let lines: Vec<_> = told.stderr.lines().collect();
    assert!((3..=8).contains(&lines.len()), "{}", told.stderr);
    let later =
        lines.iter().find(|line| line.starts_with("2 of 3 s: ")).expect("after two seconds");
    for figure in [" events/s, backlog ", "latency p50 ", "own lateness p50 ", ", 0 dropped"] {
        assert!(later.contains(figure), "no {figure} in {later}");
    }
    assert!(lines.last().expect("one").starts_with("comparing "), "{}", told.stderr);
    assert!(!told.stderr.contains(['\r', '\u{1b}']), "{:?}", told.stderr);
}

#[test]
fn reports_are_what_they_say() {
    let folder = Folder::new();
    let files = ["load.json", "load.html", "load.csv", "load.hgrm", "load.hlog"];
    let paths = files.map(|name| folder.path(name));
    let mut words = vec!["--recording".to_owned(), "noise:320x240@20k".to_owned()];
    for (path, kind) in paths.iter().zip(["--json", "--html", "--csv", "--hgrm", "--hlog"]) {
        words.extend([kind.to_owned(), path.display().to_string()]);
    }
    load(words.iter().map(String::as_str)).done();
    let [json, html, csv, hgrm, hlog] = paths;
    let report = report(&json);
    let measured = count(&report, "/latencies_us/simulated/count");
    assert_eq!(report["settings"]["rate"], 20_000.0);
    assert_eq!(report["settings"]["own_lateness_max_us"], 3_600_000_000_u64);
    assert!(count(&report, "/machine/cores") > 0);

    // Both sides, and what the daemon measures itself.
    for side in ["generator", "daemon"] {
        assert!(count(&report, &format!("/cost/{side}_resident_bytes")) > 1_000_000);
        let cpu_s = report["cost"][format!("{side}_cpu_s_per_million")].as_f64();
        assert!(cpu_s.is_some_and(|cpu_s| cpu_s > 0.0), "{side}: {cpu_s:?}");
    }
    for kind in ["daemon_queue", "daemon_core", "simulated_from_sending", "accepted"] {
        assert!(count(&report, &format!("/latencies_us/{kind}/count")) > 10, "{kind}");
    }
    assert!(count(&report, "/latencies_us/spike/count") > 0);
    let curve = report["curves"]["simulated"].as_array().expect("a list");
    let (last, most) = (&curve[curve.len() - 1], &report["latencies_us"]["simulated"]["max"]);
    assert!(curve.len() > 10 && last["share"] == 1.0 && last["us"] == *most, "{last} {most}");

    let page = fs::read_to_string(html).expect("written");
    assert!(page.contains("<svg") && page.ends_with("</html>\n"));
    assert!(!page.contains("http"), "it needs nothing from elsewhere");

    let lines = fs::read_to_string(csv).expect("written").lines().count();
    let intervals = report["intervals"].as_array().expect("a list").len();
    assert_eq!(lines, intervals + 1);

    let distribution = fs::read_to_string(hgrm).expect("written");
    let total = format!("Total count    = {measured:>12}]");
    assert!(distribution.contains(&total), "{total} in {distribution}");

    let log = fs::read(hlog).expect("written");
    let logged = IntervalLogIterator::new(&log).filter_map(|entry| match entry.expect("a log") {
        LogEntry::Interval(interval) => {
            let bytes = base64(interval.encoded_histogram());
            let histogram: Histogram<u64> =
                Deserializer::new().deserialize(&mut bytes.as_slice()).expect("a histogram");
            Some(histogram.len())
        }
        _ => None,
    });
    assert_eq!(logged.sum::<u64>(), measured);
}

/// Decodes the text of a log's histogram.
fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let values = text.bytes().filter(|byte| *byte != b'=').map(|byte| {
        let at = DIGITS.iter().position(|digit| *digit == byte).expect("a digit");
        u32::try_from(at).expect("below 64")
    });
    let values: Vec<u32> = values.collect();
    let bytes = values.chunks(4).flat_map(|chunk| {
        let bits = chunk.iter().fold(0, |bits, value| bits << 6 | value) << (6 * (4 - chunk.len()));
        bits.to_be_bytes()[1..chunk.len()].to_vec()
    });
    bytes.collect()
}

#[test]
fn json_goes_down_a_pipe_alone() {
    let told = load(["--recording", "noise:320x240@20k", "--json", "-"]).done();
    let report: Value = serde_json::from_str(&told.stdout).expect("nothing but JSON");
    assert_exact(&report, 1);
    assert!(told.stderr.contains("latency"), "{}", told.stderr);
}

#[test]
fn ctrl_c_ends_the_load_early_with_its_report() {
    let mut child = spiked(["load", "--network", "pool", "--recording", "noise:320x240@20k"])
        .args([
            "--rate",
            "20k",
            "--duration",
            "10min",
            "--own-lateness-max",
            "1h",
            "--warmup",
            "1ms",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("spiked runs");
    std::thread::sleep(Duration::from_secs(3));
    assert!(child.try_wait().expect("ours").is_none(), "it runs for ten minutes");
    signal(&child, "INT");
    let told = Told::of(child.wait_with_output().expect("it ends")).done();
    assert!(told.value("compared").contains(" 0 lost, 0 surplus, 0 reordered"), "{}", told.stdout);
    assert!(told.value("events").contains(" simulated "), "{}", told.stdout);
    assert!(told.stderr.contains("note: ended early: "), "{}", told.stderr);
}

/// What was sent was compared; that nothing was measured is nobody's fault.
#[test]
fn ctrl_c_during_the_warm_up_is_no_figure_that_is_not_valid() {
    let words = ["--recording", "noise:320x240@20k", "--rate", "20k", "--duration", "10min"];
    let child = load_with(words)
        .args(["--warmup", "5min"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("spiked runs");
    std::thread::sleep(Duration::from_secs(3));
    signal(&child, "INT");
    let told = Told::of(child.wait_with_output().expect("it ends"));
    assert_eq!(told.status, Some(130), "{}", told.stderr);
    assert!(told.stderr.contains("during the warm-up"), "{}", told.stderr);
    assert!(!told.stderr.contains("error"), "{}", told.stderr);
}

#[test]
fn misuse_is_one_line_that_helps() {
    let noise = ["load", "--network", "pool", "--recording", "noise:320x240@20k"];
    let with = |more: &[&str]| tell(noise.iter().chain(more));
    for (told, says) in [
        (tell(["load"]), "--network"),
        (tell(["load", "--network", "pool", "--recording", "nowhere.es"]), "nowhere.es"),
        (tell(["load", "--network", "pool", "--recording", "nois:3x3"]), "noise:WxH@RATE"),
        (tell(["load", "--network", "none", "--recording", "noise:3x3"]), "none"),
        (with(&["--rate", "fast"]), "a rate from 1 to 1G"),
        (with(&["--speed", "asap"]), "--search finds the highest rate"),
        (with(&["--speed", "1001x"]), "from 0.1x to 1000x"),
        (with(&["--speed", "0.05x"]), "from 0.1x to 1000x"),
        (with(&["--rate", "1k", "--speed", "2x"]), "--speed"),
        (with(&["--rate", "1k", "--search", "--assert", "drops = 0", "--html", "x"]), "--html"),
        (with(&["--assert", "p98 < 5ms"]), "expected p50, p90"),
        (with(&["--fault", "fire"]), "slow-reader"),
        (with(&["--search"]), "--rate"),
        (with(&["--warmup", "1min"]), "--warmup"),
        (with(&["--sessions", "65", "--connections", "1"]), "need at least 2"),
        (tell(["load", "compare", "a.json", "b.json"]), "a.json"),
    ] {
        assert_eq!(told.status, Some(2), "{says}: {}", told.stderr);
        assert!(told.stderr.contains(says), "{says}: {}", told.stderr);
    }
}
