//! A slow simulator that anyone can check by eye: every synapse written out, every tick visited,
//! every sum added up from the whole history of spikes.
//!
//! It shares the description's types and the closed form of a membrane with the core, and nothing
//! else: no calendar, no layouts, no windows. Weights must be exact in few bits, so that f64 sums are
//! exact in any order. Quanta play a part in short-term plasticity alone, which rounds to them.
//!
//! A plain membrane is worked out as the core does it, so that thresholds which are just reached
//! can be tested. Everything else is written anew, and differs in the last bits: where a decision
//! hangs on less than [`CLOSE`], the reference declines.

mod changes;
mod clocked;
mod draws;
mod linear;
pub(crate) mod noise;
mod short_term;
mod source;
mod synapses;

use std::collections::BTreeMap;

use sim_core::network::*;

use crate::random::{Case, changes::What, size};
use clocked::Clocked;
use draws::{Key, PARAMETER, unit};
use linear::Linear;
use short_term::Release;
use source::Source;
use synapses::{Synapse, written_out};

/// (tick, population, index, multiplicity), in that order.
pub(crate) type Fired = (u64, usize, u32, u32);

/// A decision hangs on rounding.
#[derive(Debug)]
pub(crate) struct TooClose;

/// Decisions that hang on less are left open \[mV, ticks, ms\].
const CLOSE: f64 = 1e-9;

/// Spikes of one source: [tick][index] = multiplicity.
type History = BTreeMap<u64, BTreeMap<u32, u32>>;

/// A projection's synapses by delay, and the receptor that they act on.
struct Wires<'a> {
    source: &'a str,
    /// Position among all.
    projection: usize,
    receptor: usize,
    release: Option<Release>,
    by_delay: BTreeMap<u64, Vec<Synapse>>,
}

/// One population's neurons.
enum Neurons {
    Accumulators(AccumulatorParameters),
    Plain(Vec<(LifParameters, Membrane)>),
    Linear(Vec<Linear>),
    Clocked(Vec<Clocked>),
    Sources(Vec<Source>),
}

struct Membrane {
    v: f64,
    since: (u64, f64),
}

/// Runs a network of fixed sizes without filters. `quanta` has one for each population, `taken` says
/// of each change whether it was possible: what is refused is not the reference's to say.
pub(crate) fn simulate(
    case: &Case,
    quanta: &[f64],
    taken: &[bool],
) -> Result<Vec<Fired>, TooClose> {
    let network = &case.network;
    let order = evaluation_order(network);
    let mut wires: Vec<Vec<Wires<'_>>> =
        network.populations.iter().map(|each| wires_onto(network, each)).collect();
    let given: Vec<Vec<Synapse>> =
        network.projections.iter().map(|each| written_out(network, each)).collect();
    let noise = noise::counts(network, case.ticks);
    let mut history = events(case);
    for (source, past) in &history {
        for (&tick, spikes) in past {
            release(&mut wires, source, tick, spikes)?;
        }
    }
    let mut neurons: Vec<Neurons> =
        (0..network.populations.len()).map(|id| neurons(network, id)).collect();
    let mut fired = Vec::new();
    for tick in 0..case.ticks {
        let due = case.changes.iter().zip(taken).filter(|(change, _)| change.tick == tick);
        for (change, _) in due.filter(|(_, taken)| **taken) {
            match &change.what {
                What::Weights(change) => changes::weights(change, &mut wires, &given),
                What::Parameter(change) => {
                    let neurons = &mut neurons[usize::from(change.population)];
                    changes::parameter(change, neurons, tick, network.tick.ms());
                }
            }
        }
        for &id in &order {
            let population = &network.populations[id];
            let mut sums = arrived((population, quanta[id]), &wires[id], &history, tick);
            for (number, each) in population.noise.iter().enumerate() {
                let receptor = receptor(population, &each.receptor);
                for (index, sums) in (0..).zip(&mut sums) {
                    let count = noise.get(&(id, number, tick, index)).copied().unwrap_or(0);
                    sums[receptor] += each.weight * f64::from(count);
                }
            }
            let spikes = who_fires(population, network.tick.ms(), &mut neurons[id], tick, &sums)?;
            fired.extend(spikes.iter().map(|(&index, &times)| (tick, id, index, times)));
            if !spikes.is_empty() {
                release(&mut wires, &population.name, tick, &spikes)?;
                history.entry(&population.name).or_default().insert(tick, spikes);
            }
        }
    }
    fired.sort_unstable();
    Ok(fired)
}

/// Tells every projection of a source what it emits.
fn release(
    wires: &mut [Vec<Wires<'_>>],
    source: &str,
    tick: u64,
    spikes: &BTreeMap<u32, u32>,
) -> Result<(), TooClose> {
    let from_here = wires.iter_mut().flatten().filter(|wires| wires.source == source);
    for release in from_here.filter_map(|wires| wires.release.as_mut()) {
        release.emit(tick, spikes)?;
    }
    Ok(())
}

fn events(case: &Case) -> BTreeMap<&str, History> {
    let mut history: BTreeMap<&str, History> = BTreeMap::new();
    for (input, events) in case.network.inputs.iter().zip(&case.events) {
        for event in events {
            let past = history.entry(&input.name).or_default();
            let tick = past.entry(event.time_us / case.tick_us).or_default();
            *tick.entry(event.address).or_default() += event.multiplicity;
        }
    }
    history
}

fn wires_onto<'a>(network: &'a Network, target: &Population) -> Vec<Wires<'a>> {
    let all = network.projections.iter().enumerate();
    let onto = all.filter(|(_, projection)| projection.target == target.name);
    onto.map(|(position, projection)| {
        let mut by_delay: BTreeMap<u64, Vec<Synapse>> = BTreeMap::new();
        for synapse in written_out(network, projection) {
            by_delay.entry(synapse.delay).or_default().push(synapse);
        }
        let receptor = receptor(target, &projection.receptor);
        let tick_ms = network.tick.ms();
        let release = projection.short_term.map(|rule| Release::new(rule, tick_ms));
        let source = projection.source.as_str();
        Wires { source, projection: position, receptor, release, by_delay }
    })
    .collect()
}

fn receptor(population: &Population, name: &str) -> usize {
    population.neuron.receptors().iter().position(|known| *known == name).unwrap_or(0)
}

/// [index][receptor] = sum of the weights that arrive in a tick.
fn arrived(
    (population, quantum): (&Population, f64),
    wires: &[Wires<'_>],
    history: &BTreeMap<&str, History>,
    tick: u64,
) -> Vec<Vec<f64>> {
    let receptors = population.neuron.receptors().len().max(1);
    let mut sums = vec![vec![0.0; receptors]; size(&population.shape) as usize];
    for wires in wires {
        let Some(past) = history.get(wires.source) else { continue };
        for (delay, synapses) in &wires.by_delay {
            let emitted = tick.checked_sub(*delay).and_then(|emitted| past.get(&emitted));
            let Some(emitted) = emitted else { continue };
            for &Synapse { source, target, weight, .. } in synapses {
                let times = emitted.get(&source).copied().unwrap_or(0);
                sums[target as usize][wires.receptor] += match &wires.release {
                    Some(release) => release.of(tick - delay, source, weight, quantum),
                    None => weight * f64::from(times),
                };
            }
        }
    }
    sums
}

fn extents(shape: &[Extent]) -> Vec<u32> {
    let size = |extent: &Extent| match extent {
        Extent::Size(size) => *size,
        _ => panic!("the reference takes fixed sizes"),
    };
    shape.iter().map(size).collect()
}

/// One neuron's parameters.
fn parameters(network: &Network, id: usize, index: u32) -> Neuron {
    let population = &network.populations[id];
    let mut neuron = population.neuron.clone();
    for (number, vary) in (0..).zip(&population.vary) {
        let key = Key::new(network.seed, PARAMETER).with(id as u64).with(number);
        let field = neuron.field_mut(&vary.parameter).expect("a parameter of the model");
        *field = match &vary.values {
            Values::Same(value) => *value,
            Values::Each(values) => values[index as usize],
            Values::Uniform { min, max } => min + unit(key.draw(index.into())) * (max - min),
            _ => panic!("the reference draws uniform parameters only"),
        };
    }
    neuron
}

fn neurons(network: &Network, id: usize) -> Neurons {
    let population = &network.populations[id];
    let tick_ms = network.tick.ms();
    let each = || (0..size(&population.shape)).map(|index| parameters(network, id, index));
    let lif = |neuron| match neuron {
        Neuron::Lif(lif) => lif,
        _ => panic!("one model a population"),
    };
    match &population.neuron {
        Neuron::Accumulator(parameters) => Neurons::Accumulators(parameters.clone()),
        Neuron::Lif(shared) if is_plain(population, shared) => {
            let at_rest = |neuron| {
                let lif = lif(neuron);
                let v = lif.initial_mv - lif.rest_mv;
                (lif, Membrane { v, since: (0, 0.0) })
            };
            Neurons::Plain(each().map(at_rest).collect())
        }
        Neuron::Lif(_) => {
            Neurons::Linear(each().map(|neuron| Linear::new(&lif(neuron), tick_ms)).collect())
        }
        Neuron::Poisson(_) | Neuron::Regular(_) => {
            let source =
                |(index, neuron)| Source::new(neuron, (network.seed, id as u64, index), tick_ms);
            Neurons::Sources((0..).zip(each()).map(source).collect())
        }
        _ => {
            let period_ms = tick_ms * f64::from(population.clock_ticks);
            Neurons::Clocked(each().map(|neuron| Clocked::new(neuron, period_ms)).collect())
        }
    }
}

/// Whether a population has membranes alone.
fn is_plain(population: &Population, lif: &LifParameters) -> bool {
    lif.receptors.is_empty()
        && lif.adaptation.is_none()
        && lif.reset == Reset::ToValue
        && lif.tau_ms.is_finite()
        && population.drive_steps.is_empty()
}

/// Sources before targets along projections that can have no delay.
fn evaluation_order(network: &Network) -> Vec<usize> {
    let position = |name: &str| network.populations.iter().position(|each| each.name == name);
    let hop = |projection: &Projection| {
        let waits = written_out(network, projection).iter().all(|each| each.delay > 0);
        (position(&projection.source), position(&projection.target), waits)
    };
    let hops: Vec<_> = network.projections.iter().map(hop).collect();
    let mut order: Vec<usize> = Vec::new();
    while order.len() < network.populations.len() {
        let ready = (0..network.populations.len()).find(|&id| {
            !order.contains(&id)
                && hops.iter().all(|&(source, target, waits)| {
                    let is_done = source.is_none_or(|source| order.contains(&source));
                    target != Some(id) || is_done || waits
                })
        });
        order.push(ready.expect("no cycle without delay"));
    }
    order
}

fn who_fires(
    population: &Population,
    tick_ms: f64,
    neurons: &mut Neurons,
    tick: u64,
    sums: &[Vec<f64>],
) -> Result<BTreeMap<u32, u32>, TooClose> {
    let mut fired = BTreeMap::new();
    let mut note = |index: u32, times: u32| {
        if times > 0 {
            fired.insert(index, times);
        }
    };
    match neurons {
        Neurons::Accumulators(parameters) => {
            for index in 0..size(&population.shape) {
                note(index, accumulates(population, parameters, index, sums).into());
            }
        }
        Neurons::Plain(membranes) => {
            for ((index, (lif, membrane)), sums) in (0..).zip(membranes).zip(sums) {
                note(index, advance(lif, tick_ms, membrane, tick, sums[0]));
            }
        }
        Neurons::Linear(all) => {
            let step = population.drive_steps.iter().find(|step| step.at_tick == tick);
            for ((index, linear), sums) in (0..).zip(all).zip(sums) {
                note(index, linear.tick(tick, sums, step.map(|step| step.drive_mv))?);
            }
        }
        Neurons::Clocked(all) => {
            let steps = tick.is_multiple_of(population.clock_ticks.into());
            for ((index, clocked), sums) in (0..).zip(all).zip(sums) {
                note(index, clocked.tick(steps, sums)?);
            }
        }
        Neurons::Sources(all) => {
            for (index, source) in (0..).zip(all) {
                note(index, source.tick(tick)?);
            }
        }
    }
    Ok(fired)
}

fn accumulates(
    population: &Population,
    parameters: &AccumulatorParameters,
    index: u32,
    sums: &[Vec<f64>],
) -> bool {
    let value = |index: u32| match parameters.rectify {
        Rectify::None => sums[index as usize][0],
        Rectify::Absolute => sums[index as usize][0].abs(),
    };
    let own = value(index);
    let fires = own > parameters.threshold || (own == parameters.threshold && !parameters.strict);
    let beaten = || {
        rivals(population, index)
            .any(|rival| value(rival) > own || (value(rival) == own && rival < index))
    };
    fires && (population.winner_take_all == WinnerTakeAll::None || !beaten())
}

/// The other channels at the same place.
fn rivals(population: &Population, index: u32) -> impl Iterator<Item = u32> {
    let shape = extents(&population.shape);
    let places = shape[1] * shape[2];
    (0..shape[0]).map(move |c| c * places + index % places).filter(move |&rival| rival != index)
}

impl Membrane {
    /// The potential at a tick.
    fn at(&self, lif: &LifParameters, tick_ms: f64, tick: u64) -> f64 {
        let elapsed = (tick - self.since.0) as f64 - self.since.1;
        let decay = libm::exp(-elapsed / (lif.tau_ms / tick_ms));
        lif.drive_mv + (self.v - lif.drive_mv) * decay
    }
}

fn advance(lif: &LifParameters, tick_ms: f64, membrane: &mut Membrane, tick: u64, sum: f64) -> u32 {
    let tau = lif.tau_ms / tick_ms;
    let refractory = lif.refractory_ms / tick_ms;
    let (threshold, reset) = (lif.threshold_mv - lif.rest_mv, lif.reset_mv - lif.rest_mv);
    let later = |(tick, fraction): (u64, f64), ticks: f64| {
        let whole = (fraction + ticks).floor();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "short runs")]
        let whole_ticks = whole as u64;
        (tick + whole_ticks, fraction + ticks - whole)
    };
    let fires = |v: f64| v > threshold || (v == threshold && !lif.strict);
    let is_driven = lif.drive_mv > threshold;
    let mut fired = 0;
    loop {
        // It lies above a threshold that was set, or is where the drive only has to go on.
        let is_there = fires(membrane.v) || is_driven && membrane.v >= threshold;
        if !is_driven && !is_there {
            break;
        }
        let rise = (lif.drive_mv - membrane.v) / (lif.drive_mv - threshold);
        let rise_ticks = if is_there { 0.0 } else { tau * libm::log(rise) };
        let crossing = later(membrane.since, rise_ticks);
        if crossing > (tick, 0.0) {
            break;
        }
        fired += 1;
        *membrane = Membrane { v: reset, since: later(crossing, refractory) };
    }
    if sum != 0.0 && membrane.since <= (tick, 0.0) {
        let v = membrane.at(lif, tick_ms, tick) + sum;
        // Without a drive it fires once a tick at most, and what would make it do so again does in the
        // next.
        if fires(v) && (is_driven || fired == 0) {
            fired += 1;
            *membrane = Membrane { v: reset, since: later((tick, 0.0), refractory) };
        } else {
            *membrane = Membrane { v, since: (tick, 0.0) };
        }
    }
    fired
}
