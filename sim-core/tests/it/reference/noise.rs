//! How many events of noise reach each neuron in each tick.
//!
//! The core's tables are not written anew here: its counts are read off other neurons in the same
//! places, which emit as many spikes as arrive. What they are drawn from is tested in
//! `noise`.

use std::{collections::BTreeMap, sync::Arc};

use sim_core::{network::*, *};

/// A neuron that fires as often as it is told to in a tick.
pub(crate) fn counter() -> Neuron {
    Neuron::Discrete(DiscreteParameters {
        reset: neurons::Reset::SubtractThreshold,
        multiplicity_max: 60_000,
        ..DiscreteParameters::default()
    })
}

/// (population, number of the noise, tick, index) to a count that isn't 0.
pub(super) type Counts = BTreeMap<(usize, usize, u64, u32), u32>;

pub(super) fn counts(network: &Network, ticks: u64) -> Counts {
    let noises = network.populations.iter().map(|population| population.noise.len());
    let mut counts = Counts::new();
    for number in 0..noises.max().unwrap_or(0) {
        let plan = Arc::new(Plan::new(&probe(network, number), &[]).expect("a valid probe"));
        let OutputKind::Spikes { ranges } = plan.outputs()[0].kind.clone() else {
            panic!("a port of spikes")
        };
        let mut simulation = Simulation::new(plan, Options::default());
        simulation.close_until(Tick(ticks));
        simulation.advance(Budget::UNLIMITED).expect("no excess");
        for output in simulation.outputs() {
            let Output::Spike(Spike { tick, address, multiplicity, .. }) = *output else {
                continue;
            };
            let id = ranges.iter().rposition(|range| range.first_address <= address);
            let id = id.expect("an address of a population");
            let index = address - ranges[id].first_address;
            counts.insert((id, number, tick.0, index), multiplicity);
        }
    }
    counts
}

/// Counters in the places of all neurons, for one of each population's noises.
fn probe(network: &Network, number: usize) -> Network {
    let counters = network.populations.iter().map(|population| {
        let mut counters = Population::new(&population.name, &[], counter());
        counters.shape.clone_from(&population.shape);
        counters.noise.clone_from(&population.noise);
        for (at, noise) in counters.noise.iter_mut().enumerate() {
            noise.receptor.clear();
            noise.weight = if at == number { 1.0 } else { 0.0 };
        }
        counters
    });
    let populations: Vec<Population> = counters.collect();
    let sources = populations.iter().map(|each| each.name.clone()).collect();
    Network {
        tick: network.tick,
        seed: network.seed,
        populations,
        outputs: vec![OutputPort { name: "counts".into(), sources }],
        ..Network::default()
    }
}
