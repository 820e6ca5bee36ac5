//! Weights that are set while a network runs, drawn at random.

use std::sync::Arc;

use sim_core::{network::*, *};

use super::size;
use crate::support::Numbers;

/// A source's synapses get other weights at the start of a tick.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) tick: u64,
    pub(crate) projection: u16,
    pub(crate) source: u32,
    turn: usize,
}

impl Change {
    /// Of weights that the plan gave: whole, parts, and none. No magnitude grows beyond the plan's.
    pub(crate) fn of(&self, weights: &[f64]) -> Vec<f64> {
        let parts = [0.5, 1.0, 0.0, -0.25, 1.0];
        let part = |position: usize| parts[(position + self.turn) % parts.len()];
        weights.iter().enumerate().map(|(position, weight)| weight * part(position)).collect()
    }

    /// Sets them, at its tick.
    pub(crate) fn make(&self, simulation: &mut Simulation) {
        assert_eq!(simulation.simulated_to(), Tick(self.tick));
        let id = ProjectionId(self.projection);
        let given = Simulation::new(Arc::clone(simulation.plan()), Options::default());
        let given = given.synapses(id, self.source).expect("no convolution");
        let weights: Vec<f64> = given.iter().map(|synapse| synapse.weight).collect();
        let weights = self.of(&weights);
        simulation.set_weights(id, self.source, &weights).expect("no larger than the plan's");
    }
}

/// Up to 12 changes, in the order of their ticks.
pub(super) fn changes(network: &Network, ticks: u64, numbers: &mut Numbers) -> Vec<Change> {
    let places = |name: &str| {
        let input = network.inputs.iter().find(|input| input.name == name);
        match input.map(|input| &input.shape) {
            Some(InputShape::Channels(shape)) => shape.iter().product(),
            Some(InputShape::Sensor(_)) => 0,
            None => {
                let source = network.populations.iter().find(|each| each.name == name);
                size(&source.expect("a source").shape)
            }
        }
    };
    let mut changes = Vec::new();
    for _ in 0..numbers.below(2) * numbers.below(13) {
        let count = u32::try_from(network.projections.len()).expect("few");
        if count == 0 {
            break;
        }
        let projection = numbers.below(count);
        let part = &network.projections[projection as usize];
        let (sources, turn) = (places(&part.source), numbers.below(5) as usize);
        let tick = u64::from(numbers.below(u32::try_from(ticks).expect("few")));
        if sources > 0 && !matches!(part.connectivity, Connectivity::Convolution(_)) {
            let (projection, source) =
                (u16::try_from(projection).expect("few"), numbers.below(sources));
            changes.push(Change { tick, projection, source, turn });
        }
    }
    changes.sort_by_key(|change| change.tick);
    changes
}
