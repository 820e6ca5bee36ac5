//! Runs a set of networks and prints a digest of what each did: all its output and its state to
//! the last bit. Every machine, build, number of workers and width of vectors gives the same.
//!
//! `cargo run -p sim-core-digest` compares with `digests.txt` beside the sources and exits with 1
//! if any differs; `cargo run -p sim-core-digest -- print` prints what belongs into that file.
#![expect(clippy::print_stdout, reason = "the result")]

mod networks;

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context as _, ensure};
use sha2::{Digest as _, Sha256};
use sim_core::{
    Options, Output, Plan, Simulation, Tick,
    network::{Deliveries, Network, Spread, Vectors},
};

/// What a change of results changes, on purpose and with `DYNAMICS_VERSION`.
const EXPECTED: &str = include_str!("../digests.txt");

fn main() -> anyhow::Result<ExitCode> {
    let prints = std::env::args().nth(1).as_deref() == Some("print");
    let mut found = String::new();
    for (network, ticks) in networks::all() {
        let digest = digest_of(&network, ticks).with_context(|| network.name.clone())?;
        found += &format!("{digest}  {}\n", network.name);
    }
    print!("{found}");
    let same = prints || found == EXPECTED;
    if !same {
        println!("differs from what is expected:\n{EXPECTED}");
    }
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The digest, which no way to spread the network changes.
fn digest_of(network: &Network, ticks: u64) -> anyhow::Result<String> {
    let first = run(network, ticks, Spread::default())?;
    for workers in 1..=3 {
        for vectors in [Vectors::Detected, Vectors::AtMost256Bits, Vectors::Portable] {
            for deliveries in [Deliveries::Expected, Deliveries::Calendar] {
                let spread = Spread { vectors, deliveries, ..Spread::over(workers) };
                let digest = run(network, ticks, spread)?;
                ensure!(digest == first, "{digest} with {spread:?}, but {first} with one worker");
            }
        }
    }
    Ok(first)
}

fn run(network: &Network, ticks: u64, spread: Spread) -> anyhow::Result<String> {
    let plan = Arc::new(Plan::spread(network, &[], spread)?);
    let mut simulation = Simulation::new(plan, Options::default());
    simulation.run_until(Tick(ticks))?;
    let spikes = simulation.counters().spikes;
    ensure!(spikes > 100, "nearly silent, which says nothing: {spikes} spikes");
    let mut digest = Sha256::new();
    for output in simulation.outputs().drain(..) {
        match output {
            Output::Spike(spike) => {
                numbers(&mut digest, &[spike.tick.0, spike.rank.0.into(), spike.port.0.into()]);
                numbers(&mut digest, &[spike.address.into(), spike.multiplicity.into()]);
            }
            Output::Decision(decision) => {
                numbers(&mut digest, &[decision.tick.0, decision.class.into(), decision.votes]);
            }
        }
    }
    digest.update(simulation.snapshot());
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn numbers(digest: &mut Sha256, numbers: &[u64]) {
    numbers.iter().for_each(|number| digest.update(number.to_le_bytes()));
}
