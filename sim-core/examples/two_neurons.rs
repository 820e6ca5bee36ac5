//! Two neurons: one is driven and fires by itself, the other listens through an alpha current.
//!
//! Prints the potentials of both, the current and the spikes, as CSV ready to plot:
//! `cargo run -p sim-core --example two_neurons > two_neurons.csv`

mod csv;

use std::{error::Error, io::Write as _};

use sim_core::{network::*, *};

const MS: u64 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    csv::write(example)
}

fn example(csv: &mut csv::Csv) -> Result<(), Box<dyn Error>> {
    let mut builder = Builder::new(TickLength::from_ns(100_000).expect("in range"));
    let driven = LifParameters { drive_mv: 16.0, ..cell() };
    let talks = builder.population("talks", &[1], Neuron::Lif(driven));
    let alpha = Receptor::new("alpha", ReceptorKind::Alpha { tau_ms: 5.0 });
    let listening = LifParameters { receptors: vec![alpha], ..cell() };
    let listens = builder.population("listens", &[1], Neuron::Lif(listening));
    builder.connect_to(talks, listens, "alpha", explicit([(0, 0, 40.0, 2 * 10)]));
    builder.output("spikes", &[talks, listens]);
    let mut simulation = Simulation::new(builder.plan()?.into(), Options::default());

    writeln!(csv, "time_ms,talks_mv,listens_mv,current_mv,talks_fires,listens_fires")?;
    for tick in 1..=200 * MS {
        simulation.run_until(Tick(tick))?;
        let fired: Vec<u32> = simulation.drain_spikes().map(|spike| spike.address).collect();
        let potential = |population| simulation.potential_mv(population, 0).unwrap_or(f64::NAN);
        writeln!(
            csv,
            "{:.1},{:.4},{:.4},{:.4},{},{}",
            tick as f64 / MS as f64,
            potential(talks),
            potential(listens),
            simulation.current_mv(listens, 0, 0).unwrap_or(f64::NAN),
            u8::from(fired.contains(&0)),
            u8::from(fired.contains(&1)),
        )?;
    }
    Ok(())
}

fn cell() -> LifParameters {
    LifParameters {
        tau_ms: 20.0,
        threshold_mv: 15.0,
        refractory_ms: 2.0,
        ..LifParameters::default()
    }
}
