//! `spiked run --for`: networks that need no recording.

use std::{process::Stdio, thread};

use spiked_client::Client;

use crate::{
    files::Folder,
    process::{Daemon, Told, signal, spiked, tell},
};

/// Whether there is a second processor for a second thread; says so if not.
fn has_two(test: &str) -> bool {
    if thread::available_parallelism().is_ok_and(|count| count.get() > 1) {
        return true;
    }
    #[expect(clippy::print_stderr, reason = "a skip must be seen")]
    {
        eprintln!("SKIPPED alone::{test}: there is one processor only");
    }
    false
}

#[test]
fn brunels_network_runs_by_itself() {
    let told = tell(["run", "brunel", "--for", "200ms"]).done();
    assert_eq!(told.value("time"), "0.200000 s");
    let spikes: u64 = told.value("spikes").replace(' ', "").parse().unwrap();
    assert!(spikes > 1_000, "{}", told.stdout);
    let populations: Vec<&str> =
        told.stdout.lines().filter(|line| line.starts_with("population")).collect();
    assert_eq!(populations.len(), 2, "{}", told.stdout);
    assert!(populations[0].contains("excitatory, 1 600 neurons, "), "{}", told.stdout);
    // The regime that the network is known for: irregular, some ten spikes a second.
    for line in populations {
        let hz: f64 = line.trim_end_matches(" Hz").rsplit(' ').next().unwrap().parse().unwrap();
        assert!((2.0..100.0).contains(&hz), "{line}");
    }
}

/// Seen to fail with a network whose seed follows the number of threads.
#[test]
fn threads_change_no_spike() {
    if !has_two("threads_change_no_spike") {
        return;
    }
    let run = |threads| tell(["run", "brunel", "--for", "200 ms", "--threads", threads]).done();
    let (one, two) = (run("1"), run("2"));
    assert_eq!((one.value("threads"), two.value("threads")), ("1", "2"));
    assert_eq!(one.value("digest"), two.value("digest"));
    assert_eq!(one.value("deliveries"), two.value("deliveries"));
}

#[test]
fn its_spikes_can_be_written() {
    let folder = Folder::new();
    let text = "tick = \"1 ms\"\n\
                population.clock = { shape = 2, neuron = { regular = { interval = \"10 ms\", first = \"3 ms\" } } }\n";
    let network = folder.write("clock.toml", text).display().to_string();
    let told = tell(["run", &network, "--for", "0.025s", "-o", "-"]).done();
    let lines: Vec<Vec<&str>> = told.stdout.lines().map(|line| line.split(',').collect()).collect();
    let spikes: Vec<(&str, &str)> = lines[1..].iter().map(|line| (line[2], line[5])).collect();
    let expected = [("3", "0"), ("3", "1"), ("13", "0"), ("13", "1"), ("23", "0"), ("23", "1")];
    assert_eq!(spikes, expected);
    assert_eq!(told.value("population"), "clock, 2 neurons, 6 spikes, 120.00 Hz");
}

/// Waits until the daemon's only session has come some way.
fn wait_for_time(daemon: &Daemon) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = Client::connect(&daemon.address).await.expect("the daemon listens");
        loop {
            let sessions = client.list_sessions().await.expect("a list");
            let position = sessions.first().and_then(|session| session.position);
            if position.is_some_and(|position| position.simulated_to_us > 0) {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn ctrl_c_sums_up_how_far_it_came() {
    let daemon = Daemon::start();
    let child = spiked(["run", "brunel", "--for", "10h", "--address", &daemon.address])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_time(&daemon);
    signal(&child, "INT");
    let told = Told::of(child.wait_with_output().unwrap());
    assert_eq!(told.status, Some(130), "{}", told.stderr);
    assert!(told.value("time").ends_with(" of 36000.000000 s"), "{}", told.stdout);
    assert!(told.value("digest").ends_with("(of what came before the end)"), "{}", told.stdout);
    assert_eq!(daemon.end_with("TERM").code(), Some(0));
}
