//! Weights and parameters that are set while a network runs, drawn at random.

use std::sync::Arc;

use sim_core::{network::*, *};

use super::size;
use crate::support::Numbers;

/// Something is set at the start of a tick.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) tick: u64,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Weights(WeightChange),
    Parameter(ParameterChange),
}

/// A source's synapses get other weights.
#[derive(Clone, Debug)]
pub(crate) struct WeightChange {
    pub(crate) projection: u16,
    pub(crate) source: u32,
    turn: usize,
}

/// A parameter gets another value: of all neurons, or of one.
#[derive(Clone, Debug)]
pub(crate) struct ParameterChange {
    pub(crate) population: u16,
    pub(crate) name: String,
    pub(crate) times: f64,
    pub(crate) only: Option<u32>,
}

impl Change {
    /// Sets it, at its tick; whether it was taken.
    pub(crate) fn make(&self, simulation: &mut Simulation) -> bool {
        assert_eq!(simulation.simulated_to(), Tick(self.tick));
        match &self.what {
            What::Weights(change) => change.make(simulation),
            What::Parameter(change) => change.make(simulation),
        }
    }
}

impl WeightChange {
    /// Of weights that the plan gave: whole, parts, and none. No magnitude grows beyond the plan's.
    pub(crate) fn of(&self, weights: &[f64]) -> Vec<f64> {
        let parts = [0.5, 1.0, 0.0, -0.25, 1.0];
        let part = |position: usize| parts[(position + self.turn) % parts.len()];
        weights.iter().enumerate().map(|(position, weight)| weight * part(position)).collect()
    }

    /// Refused is only a part of which no quantum is left.
    fn make(&self, simulation: &mut Simulation) -> bool {
        let id = ProjectionId(self.projection);
        let given = Simulation::new(Arc::clone(simulation.plan()), Options::default());
        let given = given.synapses(id, self.source).expect("no convolution");
        let given: Vec<f64> = given.iter().map(|synapse| synapse.weight).collect();
        match simulation.set_weights(id, self.source, &self.of(&given)) {
            Ok(()) => true,
            Err(WeightsError::Weight { position, weight, .. }) => {
                let magnitudes = given.iter().map(|weight| weight.abs());
                let least = magnitudes.filter(|weight| *weight > 0.0).fold(f64::INFINITY, f64::min);
                assert!(weight.abs() < least, "weight {position}: {weight} of {given:?}");
                false
            }
            Err(error) => panic!("no larger than the plan's: {error}"),
        }
    }
}

impl ParameterChange {
    /// A value that is refused changes nothing, wherever it is refused.
    fn make(&self, simulation: &mut Simulation) -> bool {
        let id = PopulationId(self.population);
        let value = simulation.parameter(id, &self.name, self.only.unwrap_or(0));
        let value = value.expect("a parameter of the model") * self.times;
        let set = match self.only {
            Some(index) => simulation.set_parameter_of(id, &self.name, index, value),
            None => simulation.set_parameter(id, &self.name, &Values::Same(value)),
        };
        let now = simulation.parameter(id, &self.name, self.only.unwrap_or(0));
        assert!(set.is_err() || now == Ok(value));
        set.is_ok()
    }
}

/// Up to 12 changes, in the order of their ticks.
pub(super) fn changes(network: &Network, ticks: u64, numbers: &mut Numbers) -> Vec<Change> {
    let mut changes = Vec::new();
    for _ in 0..numbers.below(2) * numbers.below(13) {
        let tick = u64::from(numbers.below(u32::try_from(ticks).expect("few")));
        let what = if numbers.below(2) == 0 {
            parameter(network, numbers).map(What::Parameter)
        } else {
            weights(network, numbers).map(What::Weights)
        };
        changes.extend(what.map(|what| Change { tick, what }));
    }
    changes.sort_by_key(|change| change.tick);
    changes
}

fn weights(network: &Network, numbers: &mut Numbers) -> Option<WeightChange> {
    let places = |name: &str| {
        let input = network.inputs.iter().find(|input| input.name == name);
        match input.map(|input| &input.shape) {
            Some(InputShape::Channels(shape)) => shape.iter().product(),
            Some(InputShape::Sensor(_) | InputShape::Frames(_)) => 0,
            None => {
                let source = network.populations.iter().find(|each| each.name == name);
                size(&source.expect("a source").shape)
            }
        }
    };
    let count = u32::try_from(network.projections.len()).expect("few");
    let projection = if count == 0 { return None } else { numbers.below(count) };
    let part = &network.projections[projection as usize];
    let (sources, turn) = (places(&part.source), numbers.below(5) as usize);
    if sources == 0 || matches!(part.connectivity, Connectivity::Convolution(_)) {
        return None;
    }
    let (projection, source) = (u16::try_from(projection).expect("few"), numbers.below(sources));
    Some(WeightChange { projection, source, turn })
}

fn parameter(network: &Network, numbers: &mut Numbers) -> Option<ParameterChange> {
    let population = numbers.below(u32::try_from(network.populations.len()).expect("few"));
    let part = &network.populations[population as usize];
    let names: &[&str] = match part.neuron {
        Neuron::Lif(_) => &LifParameters::FIELDS,
        Neuron::Accumulator(_) => &["threshold"],
        Neuron::Izhikevich(_) => IzhikevichParameters::FIELDS,
        Neuron::Adex(_) => AdexParameters::FIELDS,
        Neuron::Conductance(_) => ConductanceParameters::FIELDS,
        Neuron::Discrete(_) => DiscreteParameters::FIELDS,
        Neuron::Poisson(_) | Neuron::Regular(_) => return None,
    };
    let name = names[numbers.below(u32::try_from(names.len()).expect("few")) as usize].into();
    let times = [0.5, 0.9, 1.1, 1.5][numbers.below(4) as usize];
    let only = (numbers.below(2) == 0).then(|| numbers.below(size(&part.shape)));
    let population = u16::try_from(population).expect("few");
    Some(ParameterChange { population, name, times, only })
}
