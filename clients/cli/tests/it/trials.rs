//! `spiked run` with labelled samples that take their time: somebody looks on, or leaves.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    files::Folder,
    process::{Daemon, Told, signal, spiked, tell},
};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/terminal.py");
const SAMPLES: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../recordings/tests/data/shd_tables.h5");

/// What it hears it tells 2 ms later. Some channels begin a storm that only the sample's end ends.
fn network(folder: &Folder, storm: u32, wait: &str, begins: &[u32]) -> String {
    let text = format!(
        r#"
        name = "storm"
        tick = "1 ms"
        input.ear.channels = 700
        population.cells = {{ shape = [700], neuron = {{ accumulator = {{ threshold = 0.5 }} }} }}
        population.storm = {{ shape = [{storm}], neuron = {{ accumulator = {{ threshold = 0.5 }} }} }}
        population.rest = {{ shape = [700], neuron = {{ accumulator = {{ threshold = 0.5 }} }} }}
        projection.in = {{ from = "ear", to = "cells", one_to_one = {{ weight = 1.0, delay = "2 ms" }} }}
        projection.wait = {{ from = "cells", to = "rest", one_to_one = {{ weight = 1.0, delay = "{wait}" }} }}
        projection.begin = {{ from = "ear", to = "storm", synapses = "begin.csv" }}
        output.cells.from = ["cells"]

        [projection.rage]
        from = "storm"
        to = "storm"
        random = {{ probability = 1.0, weight = 1.0, delay = "1 ms", allow_self = true }}
        "#
    );
    folder.write("storm/network.toml", text);
    let begins: String = begins.iter().map(|channel| format!("{channel},0,1.0,1 ms\n")).collect();
    folder.write("storm/begin.csv", format!("from,to,weight,delay\n{begins}"));
    folder.path("storm").display().to_string()
}

/// Lines of the table that are of samples before this one.
fn before(table: &Path, sample: u64) -> Vec<String> {
    let text = fs::read_to_string(table).unwrap_or_default();
    // The last line may not be all there.
    let whole = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    let of = |line: &&str| line.split(',').next().and_then(|index| index.parse::<u64>().ok());
    let lines = whole.lines().skip(1).filter(|line| of(line).is_some_and(|index| index < sample));
    lines.map(str::to_owned).collect()
}

fn start(network: &str, table: &Path, more: &[&str]) -> Child {
    spiked(["run", network, SAMPLES, "-o"])
        .arg(table)
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("spiked runs")
}

/// Sample 5 is the first with channel 655, and would take hours. Caught: a run that waits for it, that
/// forgets what the others came to, or that leaves its session behind.
#[test]
fn ctrl_c_keeps_the_samples_that_were_over() {
    let (folder, daemon) = (Folder::new(), Daemon::start());
    let network = network(&folder, 2_000, "1 h", &[655]);
    // Samples have `index * 3 % 8` spikes.
    let lines = 3 + 6 + 1 + 4;
    for (name, more) in [("here.csv", &[][..]), ("there.csv", &["--address", &daemon.address])] {
        let table = folder.path(name);
        let child = start(&network, &table, more);
        while before(&table, 5).len() < lines {
            thread::sleep(Duration::from_millis(5));
        }
        signal(&child, "INT");
        let asked = Instant::now();
        let told = Told::of(child.wait_with_output().expect("it ends"));
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        assert_eq!(told.status, Some(130), "{}", told.stderr);
        let of = format!("5 of {SAMPLES}, HDF5 of labelled samples (SHD, SSC)");
        let early = format!("{of}, ended before sample 5 was over");
        assert_eq!(told.value("samples"), early);
        assert_eq!(told.value("events"), lines.to_string());
        assert_eq!(told.value("spikes"), format!("{lines}, 0 to 6 of a sample"));
        assert!(told.stderr.is_empty(), "{}", told.stderr);
        let kept = before(&table, 5);
        assert_eq!(kept.len(), lines);
        let alone = tell(["run", &network, SAMPLES, "--sample", "4", "-o", "-"]).done();
        assert_eq!(alone.stdout.lines().skip(1).collect::<Vec<_>>(), kept[lines - 4..]);
    }
    let sessions = tell(["sessions", "--address", &daemon.address]).done();
    assert_eq!(sessions.stdout, "no sessions\n");
}

/// Samples this short are opened most of the time. Caught, in one of five runs: a session that the daemon
/// has opened and the client has not heard of, which nobody closes.
#[test]
fn ctrl_c_between_two_samples_leaves_no_session_behind() {
    let (folder, daemon) = (Folder::new(), Daemon::start());
    let network = network(&folder, 1, "1 ms", &[655]);
    for step in 0..20 {
        let table = folder.path(&format!("{step}.csv"));
        let child = start(&network, &table, &["--address", &daemon.address]);
        while before(&table, 2).is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(step));
        signal(&child, "INT");
        let told = Told::of(child.wait_with_output().expect("it ends"));
        // On a quick machine it may be over.
        assert!([Some(0), Some(130)].contains(&told.status), "{:?} {}", told.status, told.stderr);
        let sessions = tell(["sessions", "--address", &daemon.address]).done();
        assert_eq!(sessions.stdout, "no sessions\n", "after {step} ms");
    }
}

/// What a bar showed, time after time: how far it was \[%\], and deliveries a second where it had any.
fn bars(shown: &str) -> Vec<(u32, Option<String>)> {
    let bar = |line: &str| {
        let (bar, message) = line.split_once(" % ")?;
        let deliveries = message.split_once(" deliveries/s").map(|(before, _)| before);
        let rate = deliveries.and_then(|before| before.rsplit("  ").next()).map(str::to_owned);
        Some((bar.rsplit(' ').next()?.parse().ok()?, rate))
    };
    shown.split(['\r', '\n']).filter_map(bar).collect()
}

/// Caught: a bar that stands still or counts anything but samples, and rates that begin anew with each: the
/// next one's first look has less than the last one's end, and says that nothing is delivered.
#[test]
fn a_bar_counts_samples_and_rates_go_on_from_one_to_the_next() {
    let folder = Folder::new();
    let all: Vec<u32> = (0..700).collect();
    let network = network(&folder, 400, "500 ms", &all);
    let mut command = Command::new("python3");
    command.args([SCRIPT, env!("CARGO_BIN_EXE_spiked"), "run", &network, SAMPLES]);
    let told = Told::of(command.output().expect("Python runs")).done();
    assert!(told.value("samples").starts_with("40 of "), "{}", told.stdout);
    let bars = bars(&told.stdout);
    let shares: Vec<u32> = bars.iter().map(|(share, _)| *share).collect();
    assert!(shares.is_sorted(), "{bars:?}");
    // A sample of 40 is 2.5 %, which is rounded.
    let is_of_samples = |share: &u32| {
        (0..=40).any(|count| count * 5 / 2 == *share || (count * 5).div_ceil(2) == *share)
    };
    assert!(shares.iter().all(is_of_samples) && shares.len() > 20, "{bars:?}");
    let rates: Vec<&String> = bars.iter().filter_map(|(_, rate)| rate.as_ref()).collect();
    let idle = rates.iter().filter(|rate| rate.as_str() == "0.00").count();
    // Where opening a session takes long, nothing is delivered meanwhile.
    assert!(rates.len() > 20 && idle * 10 < rates.len(), "{idle} idle: {bars:?}");
    assert!(!told.stdout.contains("latency"), "none is measured: {}", told.stdout);
}
