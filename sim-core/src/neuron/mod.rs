//! Neuron models, one file each: equation, closed form or integrator, crossing.

pub(crate) mod accumulator;
pub(crate) mod adex;
pub(crate) mod clocked;
pub(crate) mod conductance;
pub(crate) mod discrete;
mod each;
pub(crate) mod izhikevich;
pub(crate) mod linear;
mod model;
pub(crate) mod moment;
pub(crate) mod source;

pub(crate) use each::Each;
pub(crate) use model::{Compile, Model, Neurons, each_clock};

/// Parameters of a population: one set for all, or one a neuron.
#[derive(Clone, Debug)]
pub(crate) struct Sets<T>(Vec<T>);

impl<T> Sets<T> {
    /// One for all.
    pub(crate) fn same(set: T) -> Self {
        Self(vec![set])
    }

    /// One each, by index in the description.
    pub(crate) fn each(sets: Vec<T>) -> Self {
        Self(sets)
    }

    /// The set of a neuron.
    #[inline]
    pub(crate) fn of(&self, neuron: u32) -> &T {
        match self.0.as_slice() {
            [only] => only,
            sets => &sets[neuron as usize],
        }
    }

    /// The set of all, if they have the same.
    pub(crate) fn only(&self) -> Option<&T> {
        match self.0.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}
