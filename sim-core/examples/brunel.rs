//! Brunel's sparse random network (Brunel 2000), asynchronous and irregular: 1 000 excitatory and
//! 250 inhibitory neurons, 10 % connectivity, g = 5, external drive of twice the threshold rate.
//!
//! Prints spikes as CSV ready to plot, and the mean rate on standard error:
//! `cargo run --release -p sim-core --example brunel > spikes.csv`
#![expect(clippy::print_stderr, reason = "what isn't to be plotted")]

mod csv;

use std::{error::Error, io::Write as _};

use sim_core::{network::*, *};

const EXCITATORY: u32 = 1_000;
const INHIBITORY: u32 = 250;
/// Synapses of each kind onto one neuron: a tenth of the sources.
const IN_DEGREE_E: u32 = 100;
const IN_DEGREE_I: u32 = 25;
const WEIGHT_MV: f64 = 0.4;
const G: f64 = 5.0;
const ETA: f64 = 2.0;
const DURATION_MS: u64 = 500;

fn main() -> Result<(), Box<dyn Error>> {
    csv::write(example)
}

fn example(csv: &mut csv::Csv) -> Result<(), Box<dyn Error>> {
    let mut builder = Builder::new(TickLength::from_ns(100_000).expect("in range"));
    builder.seed(1);
    let lif = LifParameters {
        tau_ms: 20.0,
        threshold_mv: 20.0,
        reset_mv: 10.0,
        refractory_ms: 2.0,
        ..LifParameters::default()
    };
    // The rate that alone would bring the mean potential to the threshold, times eta.
    let rate_hz = ETA * lif.threshold_mv / (WEIGHT_MV * lif.tau_ms) * 1e3;
    let population = |name: &str, size| {
        Population::new(name, &[size], Neuron::Lif(lif.clone()))
            .varying("initial", Values::Uniform { min: 0.0, max: 19.9 })
            .with_noise(rate_hz, WEIGHT_MV)
    };
    let e = builder.add(population("e", EXCITATORY));
    let i = builder.add(population("i", INHIBITORY));
    for target in [e, i] {
        for (source, degree, weight) in
            [(e, IN_DEGREE_E, WEIGHT_MV), (i, IN_DEGREE_I, -G * WEIGHT_MV)]
        {
            let rule = RandomRule::FixedInDegree(degree);
            let random = RandomConnectivity::new(rule, weight, Delays::Same(15));
            builder.connect(source, target, Connectivity::Random(random));
        }
    }
    builder.output("spikes", &[e, i]);
    let mut simulation = Simulation::new(builder.plan()?.into(), Options::default());

    simulation.run_until(Tick(DURATION_MS * 10))?;
    writeln!(csv, "time_ms,neuron")?;
    let mut spikes = 0;
    for spike in simulation.drain_spikes() {
        writeln!(csv, "{:.1},{}", spike.tick.0 as f64 / 10.0, spike.address)?;
        spikes += 1;
    }
    let neurons = f64::from(EXCITATORY + INHIBITORY);
    eprintln!("{:.1} Hz", f64::from(spikes) / neurons / (DURATION_MS as f64 / 1e3));
    Ok(())
}
