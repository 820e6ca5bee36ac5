//! Looks at single neurons, which change nothing.

use super::Simulation;
use crate::{
    ids::PopulationId,
    neuron::{Model, Neurons, linear::population::Probe},
};

impl Simulation {
    /// The potential at the start of the next tick \[mV\], of a clocked neuron the one that its last step
    /// left (of a [`Discrete`](crate::network::Neuron::Discrete) one in its own unit); `None` for
    /// neurons without. Looking changes nothing.
    #[must_use]
    pub fn potential_mv(&self, population: PopulationId, index: u32) -> Option<f64> {
        match self.share(population, index)? {
            (Neurons::Clocked(neurons), first) => Some(neurons.potential(index - first)),
            _ => self.probe(population, index, |probe| probe.potential_mv()),
        }
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
        let Model::Linear(model) = &self.own_plan.populations.get(population.0 as usize)?.model
        else {
            return None;
        };
        match self.share(population, index)? {
            (Neurons::Linear(neurons), first) => {
                Some(look(&neurons.probe(model, first, index, self.now)))
            }
            (Neurons::Swept(neurons), first) => {
                let cells = neurons.one(model.until(self.now).of(index), index - first);
                Some(look(&Probe::of(cells, model, index, self.now)))
            }
            _ => None,
        }
    }

    /// The neurons among which one is, and the index of the first of them.
    fn share(&self, population: PopulationId, index: u32) -> Option<(&Neurons, u32)> {
        let id = population.0 as usize;
        let mut shares = self.own_plan.shards.iter().zip(self.crew.partitions());
        shares.find_map(|(shard, partition)| {
            let range = &shard.populations.get(id)?.range;
            let is_here = range.contains(&index);
            is_here.then(|| (&partition.populations[id].neurons, range.start))
        })
    }
}
