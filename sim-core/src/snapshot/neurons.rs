//! The state of all neurons, by index in the description: whoever has them, one state has one form.
//!
//! A population is the number of its neurons, and for each:
//!
//! | model | holds |
//! |---|---|
//! | linear | potential \[mV, relative to rest\], moment (tick, fraction) of it, extra states: at that moment, or of a swept population's neuron that rests at the tick before |
//! | accumulator | nothing, and the number is 0 |
//! | clocked | its variables; where a step is several ticks, what waits for it \[quanta\] |
//! | source | moment (tick, fraction) of the next spike, and its number |

use super::bytes::{Reader, Writer};
use crate::{
    error::SnapshotError,
    network::{Plan, PopulationPlan},
    neuron::{
        Model, Neurons,
        clocked::ClockedNeurons,
        each_clock,
        linear::{
            Cell,
            population::{Cells, LinearModel, each_kind},
        },
        moment::Moment,
        source::{Next, SourceNeurons},
    },
    simulation::Simulation,
};

/// A moment, or two numbers.
const PAIR_BYTES: usize = 16;
const NUMBER_BYTES: usize = 8;

pub(super) fn write(simulation: &Simulation, to: &mut Writer) {
    for id in 0..simulation.own_plan.populations.len() {
        let shares = simulation.crew.partitions().map(|part| &part.populations[id].neurons);
        to.u64(shares.clone().map(|neurons| count(neurons) as u64).sum());
        shares.for_each(|neurons| write_share(neurons, to));
    }
}

fn count(neurons: &Neurons) -> usize {
    match neurons {
        Neurons::Linear(neurons) => neurons.cells.len(),
        Neurons::Swept(neurons) => neurons.len(),
        Neurons::Accumulators => 0,
        Neurons::Clocked(neurons) => neurons.state[0].len(),
        Neurons::Sources(neurons) => neurons.next.len(),
    }
}

fn write_share(neurons: &Neurons, to: &mut Writer) {
    match neurons {
        Neurons::Linear(neurons) => write_cells(&neurons.cells, to),
        Neurons::Swept(neurons) => write_cells(&neurons.cells(), to),
        Neurons::Accumulators => (),
        Neurons::Clocked(neurons) => {
            for neuron in 0..neurons.state[0].len() {
                neurons.state.iter().for_each(|variable| to.f64(variable[neuron]));
                neurons.held.iter().for_each(|held| to.u64(held[neuron].cast_unsigned()));
            }
        }
        Neurons::Sources(neurons) => {
            for Next { at, number } in &neurons.next {
                write_moment(*at, to);
                to.u64(*number);
            }
        }
    }
}

fn write_cells(cells: &Cells, to: &mut Writer) {
    each_kind!(cells, cells => {
        for Cell { v_mv, modes, since } in cells {
            to.f64(*v_mv);
            write_moment(*since, to);
            modes.iter().for_each(|&mode| to.f64(mode));
        }
    });
}

fn write_moment(moment: Moment, to: &mut Writer) {
    to.u64(moment.tick);
    to.f64(moment.fraction);
}

/// The neurons of each population, whole.
pub(super) fn read(
    from: &mut Reader<'_>,
    plan: &Plan,
    seed: u64,
) -> Result<Vec<Neurons>, SnapshotError> {
    plan.populations.iter().map(|population| read_population(from, population, seed)).collect()
}

fn read_population(
    from: &mut Reader<'_>,
    population: &PopulationPlan,
    seed: u64,
) -> Result<Neurons, SnapshotError> {
    let size = population.size as usize;
    match &population.model {
        Model::Linear(model) => read_linear(from, model, size),
        Model::Accumulator(..) => {
            expect(from, 0, NUMBER_BYTES)?;
            Ok(Neurons::Accumulators)
        }
        Model::Source(_) => {
            expect(from, size, PAIR_BYTES + NUMBER_BYTES)?;
            let read =
                |from: &mut Reader<'_>| Ok(Next { at: read_moment(from)?, number: from.tally()? });
            let next: Result<Vec<Next>, SnapshotError> = (0..size).map(|_| read(from)).collect();
            Ok(Neurons::Sources(SourceNeurons::restored(next?, seed)))
        }
        clocked => {
            let (variables, held) = each_clock!(
                clocked,
                clock => (clock.variables(), clock.holds()),
                unreachable!("all others are above")
            );
            read_clocked(from, size, variables, held)
        }
    }
}

fn read_linear(
    from: &mut Reader<'_>,
    model: &LinearModel,
    size: usize,
) -> Result<Neurons, SnapshotError> {
    expect(from, size, PAIR_BYTES + (1 + model.modes()) * NUMBER_BYTES)?;
    let mut cells = Cells::new(model.modes());
    each_kind!(&mut cells, cells => {
        for _ in 0..size {
            cells.push(read_cell(from)?);
        }
    });
    Ok(Neurons::Linear(model.neurons(cells)))
}

fn read_cell<const N: usize>(from: &mut Reader<'_>) -> Result<Cell<N>, SnapshotError> {
    let (v_mv, since) = (from.finite()?, read_moment(from)?);
    let mut modes = [0.0; N];
    for mode in &mut modes {
        *mode = from.finite()?;
    }
    Ok(Cell { v_mv, modes, since })
}

fn read_clocked(
    from: &mut Reader<'_>,
    size: usize,
    variables: usize,
    held: usize,
) -> Result<Neurons, SnapshotError> {
    expect(from, size, (variables + held) * NUMBER_BYTES)?;
    let mut state = vec![Vec::with_capacity(size); variables];
    let mut waiting = vec![Vec::with_capacity(size); held];
    for _ in 0..size {
        for variable in &mut state {
            variable.push(from.finite()?);
        }
        for held in &mut waiting {
            held.push(from.u64()?.cast_signed());
        }
    }
    Ok(Neurons::Clocked(ClockedNeurons::new(state, waiting)))
}

fn read_moment(from: &mut Reader<'_>) -> Result<Moment, SnapshotError> {
    let (tick, fraction) = (from.u64()?, from.finite()?);
    if !(0.0..1.0).contains(&fraction) {
        return Err(from.value(format!("a moment of {fraction} past its tick")));
    }
    Ok(Moment { tick, fraction })
}

fn expect(from: &mut Reader<'_>, expected: usize, item_bytes: usize) -> Result<(), SnapshotError> {
    let count = from.count(item_bytes)?;
    if count != expected {
        return Err(from.value(format!("{count} neurons where {expected} are expected")));
    }
    Ok(())
}
