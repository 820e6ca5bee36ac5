//! Looks at single neurons, which change nothing.

use super::Simulation;
use crate::{
    ids::PopulationId,
    neuron::{Model, Neurons, linear::population::Probe},
};

impl Simulation {
    /// The potential of a linear neuron at the start of the next tick \[mV\]; `None` for others.
    /// Looking changes nothing.
    #[must_use]
    pub fn potential_mv(&self, population: PopulationId, index: u32) -> Option<f64> {
        self.probe(population, index, |probe| probe.potential_mv())
    }

    /// The threshold of a linear neuron at the start of the next tick \[mV\].
    #[must_use]
    pub fn threshold_mv(&self, population: PopulationId, index: u32) -> Option<f64> {
        self.probe(population, index, |probe| probe.threshold_mv())
    }

    /// The current of a linear neuron's receptor at the start of the next tick \[mV\].
    #[must_use]
    pub fn current_mv(&self, population: PopulationId, index: u32, receptor: u8) -> Option<f64> {
        self.probe(population, index, |probe| probe.current_mv(receptor.into()))
    }

    fn probe(
        &self,
        population: PopulationId,
        index: u32,
        look: impl Fn(&Probe<'_>) -> f64,
    ) -> Option<f64> {
        let id = population.0 as usize;
        let Model::Linear(model) = &self.own_plan.populations.get(id)?.model else { return None };
        let mut shares = self.own_plan.shards.iter().zip(self.crew.partitions());
        let (shard, partition) =
            shares.find(|(shard, _)| shard.populations[id].range.contains(&index))?;
        let first = shard.populations[id].range.start;
        match &partition.populations[id].neurons {
            Neurons::Linear(neurons) => Some(look(&neurons.probe(model, first, index, self.now))),
            Neurons::Swept(neurons) => {
                let cells = neurons.one(model.until(self.now).of(index), index - first);
                Some(look(&Probe::of(cells, model, index, self.now)))
            }
            _ => None,
        }
    }
}
