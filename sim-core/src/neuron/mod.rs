//! Neuron models, one file each: equation, closed form, crossing.

pub(crate) mod accumulator;
pub(crate) mod lif;

use std::ops::Range;

use accumulator::Accumulator;
use lif::{Lif, Membranes};

use crate::network::WinnerTakeAll;

/// A population's model, with its parameters in ticks and quanta.
#[derive(Clone, Debug)]
pub(crate) enum Model {
    Lif(Lif),
    Accumulator(Accumulator, WinnerTakeAll),
}

impl Model {
    /// The most spikes that one neuron can emit in one tick.
    pub(crate) fn multiplicity_max(&self) -> u32 {
        match self {
            Self::Lif(lif) => lif.multiplicity_max(),
            Self::Accumulator(..) => 1,
        }
    }

    /// Sums of one neuron.
    pub(crate) fn receptors(&self) -> usize {
        1
    }

    /// State of one neuron beyond its sums \[bytes\].
    pub(crate) fn state_bytes(&self) -> u64 {
        match self {
            Self::Lif(lif) => lif.state_bytes(),
            Self::Accumulator(..) => 0,
        }
    }

    /// The state of some neurons before tick 0.
    pub(crate) fn at_start(&self, range: &Range<u32>) -> Neurons {
        match self {
            Self::Lif(lif) => Neurons::Lif(Membranes::new(lif, range.len())),
            Self::Accumulator(..) => Neurons::Accumulators,
        }
    }

    /// The first tick, not before `from`, at which the population does something of itself.
    pub(crate) fn next_due(&self, _neurons: &Neurons, _from: u64) -> Option<u64> {
        None
    }
}

/// The state of a share's neurons.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Neurons {
    Lif(Membranes),
    /// They forget.
    Accumulators,
}

impl Neurons {
    /// Some of them.
    pub(crate) fn share(&self, range: &Range<u32>) -> Self {
        match self {
            Self::Lif(membranes) => Self::Lif(membranes.share(range)),
            Self::Accumulators => Self::Accumulators,
        }
    }

    /// Names each neuron that the calendar must call, with the tick.
    pub(crate) fn call_all(&mut self, model: &Model, now: u64, mut call: impl FnMut(u32, u64)) {
        let (Self::Lif(membranes), Model::Lif(lif)) = (self, model) else { return };
        for neuron in 0..membranes.as_slice().len() {
            if let Some(tick) = membranes.predict(lif, neuron, now) {
                call(crate::sums::to_u32(neuron), tick);
            }
        }
    }
}
