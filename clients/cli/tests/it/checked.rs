//! `spiked check`: what it says of memory is what a daemon then takes.

use std::fs;

use spiked_client::{Client, OpenOptions};

use crate::process::{Daemon, Told, tell};

/// Two million synapses.
const LARGE: &str = r#"
name = "large"
tick = "1 ms"
input.line.channels = 1000
population.cells = { shape = 20000, neuron = { accumulator = { threshold = 1e6 } } }
projection.in = { from = "line", to = "cells", random = { in_degree = 100, weight = 1.0, delay = "1 ms" } }
"#;
/// What a first session brings for all that come later, and what building a network leaves to the
/// allocator \[bytes\].
const BESIDE: u64 = 8 << 20;

/// The number in `1 234 bytes, and more`.
fn bytes(told: &Told, name: &str) -> u64 {
    let value = told.value(name);
    let (number, _) = value.split_once(" bytes").unwrap_or_else(|| panic!("{name} is {value}"));
    number.replace(' ', "").parse().expect("a number")
}

#[tokio::test]
async fn a_daemon_takes_the_memory_that_was_stated() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large.toml");
    fs::write(&path, LARGE).expect("written");
    let path = path.to_str().expect("plain");
    let told = tell(["check", path]).done();
    assert_eq!(told.value("synapses"), "2 000 000");
    let stated = bytes(&told, "plan memory") + bytes(&told, "session memory");

    let daemon = Daemon::start();
    let resident = || daemon.status("VmRSS") << 10;
    let before = resident();
    tell(["networks", "load", path, "--address", &daemon.address]).done();
    let client = Client::connect(&daemon.address).await.expect("connected");
    client.open_session(&OpenOptions::new("large")).await.expect("opened");
    let taken = resident() - before;
    let expected = stated * 9 / 10..=stated * 2 + BESIDE;
    assert!(expected.contains(&taken), "{taken} bytes where {stated} were stated");
}
