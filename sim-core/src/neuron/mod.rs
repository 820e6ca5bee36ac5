//! Neuron models, one file each: equation, closed form, crossing.

pub(crate) mod accumulator;
pub(crate) mod lif;

use accumulator::Accumulator;
use lif::Lif;

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

    /// State of one neuron beyond its sum \[bytes\].
    pub(crate) fn state_bytes(&self) -> u64 {
        match self {
            Self::Lif(lif) => lif.state_bytes(),
            Self::Accumulator(..) => 0,
        }
    }
}
