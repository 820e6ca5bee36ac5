//! The full-scale cortical microcircuit of Potjans and Diesmann (2014): 77 169 neurons and about 300
//! million synapses in eight populations. Needs 3 GB.
//!
//! Prints the rate of each population as CSV ready to plot, and the real-time factor on standard
//! error: `cargo run --release -p sim-core --example microcircuit -- [MS [THREADS]] > rates.csv`
//! (500 ms are discarded before; without numbers 1 000 ms on one thread).
#![expect(clippy::disallowed_types, reason = "it tells how long it took")]
#![expect(clippy::print_stderr, reason = "what isn't to be plotted")]

mod csv;

use std::{error::Error, io::Write as _, time::Instant};

use sim_core::{network::*, *};

const NAMES: [&str; 8] = ["L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I"];
const SIZES: [u32; 8] = [20_683, 5_834, 21_915, 5_479, 4_850, 1_065, 14_395, 2_948];
/// Probability that a pair is connected at all: [target][source].
const PROBABILITIES: [[f64; 8]; 8] = [
    [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
    [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
    [0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0.0],
    [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
    [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
    [0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0.0],
    [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
    [0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443],
];
/// Synapses from outside, each at 8 Hz.
const EXTERNAL: [f64; 8] = [1_600.0, 1_500.0, 2_100.0, 1_900.0, 2_000.0, 1_900.0, 2_900.0, 2_100.0];
const EXTERNAL_HZ: f64 = 8.0;
const INITIAL_MV: [(f64, f64); 8] = [
    (-68.28, 5.36),
    (-63.16, 4.57),
    (-63.33, 4.74),
    (-63.45, 4.94),
    (-63.11, 4.94),
    (-61.66, 4.55),
    (-66.72, 5.46),
    (-61.43, 4.48),
];
/// Published rates \[Hz\], for comparison.
const PUBLISHED_HZ: [f64; 8] = [0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829];
const WEIGHT_PA: f64 = 87.8;
const G: f64 = 4.0;
const TICKS_PER_MS: u64 = 10;
const DISCARDED_MS: u64 = 500;

fn main() -> Result<(), Box<dyn Error>> {
    csv::write(example)
}

fn example(csv: &mut csv::Csv) -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let duration_ms: u64 = arguments.next().map_or(Ok(1_000), |ms| ms.parse())?;
    let threads: u32 = arguments.next().map_or(Ok(1), |threads| threads.parse())?;

    let began = Instant::now();
    let plan = network().plan_for(threads)?;
    let synapses = plan.cost().synapses as f64;
    eprintln!("{:.1} million synapses built in {:.1} s", synapses / 1e6, seconds(began));
    let mut simulation = Simulation::new(plan.into(), Options::default());
    run(&mut simulation, DISCARDED_MS)?;
    let began = Instant::now();
    let spikes = run(&mut simulation, DISCARDED_MS + duration_ms)?;
    let factor = seconds(began) * 1e3 / duration_ms as f64;
    eprintln!("real-time factor {factor:.1}: {duration_ms} ms in {:.1} s", seconds(began));

    writeln!(csv, "population,rate_hz,published_hz")?;
    for population in 0..8 {
        let per_second = spikes[population] as f64 / (duration_ms as f64 / 1e3);
        let rate_hz = per_second / f64::from(SIZES[population]);
        writeln!(csv, "{},{rate_hz:.3},{}", NAMES[population], PUBLISHED_HZ[population])?;
    }
    Ok(())
}

fn seconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64()
}

/// Runs to a time; spikes of each population on the way.
fn run(simulation: &mut Simulation, until_ms: u64) -> Result<[u64; 8], SimulationError> {
    let mut spikes = [0; 8];
    while simulation.simulated_to() < Tick(until_ms * TICKS_PER_MS) {
        let next = simulation.simulated_to().0 + 10 * TICKS_PER_MS;
        simulation.run_until(Tick(next.min(until_ms * TICKS_PER_MS)))?;
        for spike in simulation.drain_spikes() {
            spikes[spike.port.0 as usize] += 1;
        }
    }
    Ok(spikes)
}

fn network() -> Builder {
    let mut builder =
        Builder::new(TickLength::from_ns(1_000_000 / TICKS_PER_MS).expect("in range"));
    builder.seed(1);
    let (tau_ms, capacitance_pf) = (10.0, 250.0);
    let current = Receptor {
        // Weights are pA: as a current through the membrane's resistance.
        gain: tau_ms / capacitance_pf,
        ..Receptor::new("current", ReceptorKind::Exponential { tau_ms: 0.5 })
    };
    let lif = LifParameters {
        tau_ms,
        rest_mv: -65.0,
        threshold_mv: -50.0,
        reset_mv: -65.0,
        refractory_ms: 2.0,
        initial_mv: -65.0,
        receptors: vec![current],
        ..LifParameters::default()
    };
    let ids: [PopulationId; 8] = std::array::from_fn(|at| {
        let (mean, sd) = INITIAL_MV[at];
        let initial = Values::Normal { mean, sd, min: None, max: Some(-50.001) };
        let population = Population::new(NAMES[at], &[SIZES[at]], Neuron::Lif(lif.clone()));
        let noisy = population.with_noise(EXTERNAL[at] * EXTERNAL_HZ, WEIGHT_PA);
        builder.add(noisy.varying("initial", initial))
    });
    for target in 0..8 {
        for source in 0..8 {
            if let Some(synapses) = synapses(source, target) {
                builder.connect(ids[source], ids[target], Connectivity::Random(synapses));
            }
        }
    }
    // A port each, so that spikes tell their population.
    for (name, id) in NAMES.iter().zip(ids) {
        builder.output(name, &[id]);
    }
    builder
}

/// A fixed total number of synapses, drawn with replacement.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "millions")]
fn synapses(source: usize, target: usize) -> Option<RandomConnectivity> {
    let probability = PROBABILITIES[target][source];
    if probability == 0.0 {
        return None;
    }
    let pairs = f64::from(SIZES[source]) * f64::from(SIZES[target]);
    let total = libm::log(1.0 - probability) / libm::log(1.0 - 1.0 / pairs);
    let is_excitatory = source.is_multiple_of(2);
    let doubled = if (source, target) == (2, 0) { 2.0 } else { 1.0 };
    let mean = if is_excitatory { WEIGHT_PA * doubled } else { -G * WEIGHT_PA };
    // A weight keeps its sign.
    let ends = if is_excitatory { (Some(0.0), None) } else { (None, Some(0.0)) };
    let weights = Values::Normal { mean, sd: mean.abs() * 0.1, min: ends.0, max: ends.1 };
    let mean_ticks = if is_excitatory { 15.0 } else { 7.5 };
    let sd = mean_ticks / 2.0;
    let values = Values::Normal { mean: mean_ticks, sd, min: Some(0.5), max: None };
    let delays = Delays::Rounded { values, min: 1 };
    let rule = RandomRule::FixedTotal(total.round() as u64);
    Some(RandomConnectivity { allow_self: true, ..RandomConnectivity::new(rule, weights, delays) })
}
