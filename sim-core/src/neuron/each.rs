//! The parameters of each neuron where they vary within a population.

use crate::{
    network::{Neuron, Population, Sampler},
    random::{Key, Purpose},
};

/// A population's neurons, one by one.
pub(crate) struct Each<'a> {
    neuron: &'a Neuron,
    vary: Vec<(&'a str, Sampler, Key)>,
}

impl<'a> Each<'a> {
    /// Of a population whose variations were checked. What is random follows from the network's
    /// seed and the position of the population.
    pub(crate) fn new(population: &'a Population, seed: u64, position: u16) -> Self {
        let key = Key::new(seed, Purpose::Parameter).with(position.into());
        let vary = (0..).zip(&population.vary).map(|(number, vary)| {
            (vary.parameter.as_str(), vary.values.sampler(), key.with(number))
        });
        Self { neuron: &population.neuron, vary: vary.collect() }
    }

    /// One neuron's parameters.
    pub(crate) fn of(&self, index: u32) -> Neuron {
        let mut neuron = self.neuron.clone();
        for (name, values, key) in &self.vary {
            if let Some(field) = neuron.field_mut(name) {
                *field = values.sample(*key, index.into());
            }
        }
        neuron
    }

    /// Whether neurons differ in more than their state at the start.
    pub(crate) fn differ(&self) -> bool {
        self.vary.iter().any(|(name, ..)| !name.starts_with("initial"))
    }

    /// Whether they differ in their state at the start.
    pub(crate) fn start_differently(&self) -> bool {
        !self.vary.is_empty()
    }
}
