//! A delay line: a pulse travels along 20 cells, each 3 ms after the one before, and a second cell
//! that hears the first and the last of them fires only if both pulses meet.
//!
//! Prints spikes as CSV ready to plot: `cargo run -p sim-core --example delay_line > spikes.csv`

mod csv;

use std::{error::Error, io::Write as _};

use sim_core::{network::*, *};

const CELLS: u32 = 20;
const STEP_TICKS: u32 = 3_000;

fn main() -> Result<(), Box<dyn Error>> {
    csv::write(example)
}

fn example(csv: &mut csv::Csv) -> Result<(), Box<dyn Error>> {
    // A tick of 1 µs, the default.
    let mut builder = Builder::new(TickLength::MICROSECOND);
    let touch = builder.channels("touch", &[1]);
    let cell = Neuron::Lif(LifParameters { tau_ms: 2.0, ..LifParameters::default() });
    let line = builder.population("line", &[CELLS], cell.clone());
    let meets = builder.population("meets", &[1], cell);
    builder.connect(touch, line, explicit([(0, 0, 1.0, 0)]));
    let along = (1..CELLS).map(|next| (next - 1, next, 1.0, STEP_TICKS));
    builder.connect(line, line, explicit(along));
    // The first cell's pulse is held back by as long as the line takes.
    let held_ticks = (CELLS - 1) * STEP_TICKS + 1_000;
    builder.connect(line, meets, explicit([(0, 0, 0.6, held_ticks), (CELLS - 1, 0, 0.6, 1_000)]));
    builder.output("spikes", &[line, meets]);
    let mut simulation = Simulation::new(builder.plan()?.into(), Options::default());

    simulation.inject(touch, Tick(5_000), 0)?;
    simulation.run_until(Tick(100_000))?;
    writeln!(csv, "time_ms,cell")?;
    for spike in simulation.drain_spikes() {
        writeln!(csv, "{:.3},{}", spike.tick.0 as f64 / 1e3, spike.address)?;
    }
    Ok(())
}
