//! What a plan tells those who use it: ports, addresses, cost.

use std::sync::Arc;

use super::FrameSource;

/// An input port.
#[derive(Clone, Debug, PartialEq)]
pub struct InputTable {
    /// Its name.
    pub name: String,
    /// The shape that addresses index, before the filters.
    pub shape: Vec<u32>,
    /// The shape that the network sees.
    pub filtered_shape: Vec<u32>,
    /// An event camera: the shape is [2, height, width].
    pub is_sensor: bool,
    /// For a port of frames: the shape is [whiskers, values], and the network sees what the encoder
    /// makes of them.
    pub frames: Option<Arc<FrameSource>>,
}

/// An output port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputTable {
    /// Its name.
    pub name: String,
    /// What leaves there.
    pub kind: OutputKind,
}

/// What leaves at an output port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// Spikes, in one contiguous address space.
    Spikes {
        /// Which population has which addresses.
        ranges: Vec<AddressRange>,
    },
    /// Decisions of one readout.
    Decisions {
        /// The name of each class; may be empty.
        labels: Vec<String>,
        /// Number of classes.
        classes: u32,
    },
}

/// A population's addresses at an output port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressRange {
    /// The population.
    pub population: String,
    /// Its first address.
    pub first_address: u32,
    /// Its shape; addresses are row-major.
    pub shape: Vec<u32>,
}

/// A projection, by index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectionTable {
    /// Its name.
    pub name: String,
    /// Indices that its sources can have, after the filters.
    pub sources: u32,
    /// The population that it leads to.
    pub target: String,
}

/// What a network costs and how its numbers are held.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Neurons in all.
    pub neurons: u64,
    /// Synapses in all, as if materialised.
    pub synapses: u64,
    /// The shared plan \[bytes\].
    pub plan_bytes: u64,
    /// Each session's state, without events and spikes in flight \[bytes\].
    pub session_bytes: u64,
    /// The longest path of delays \[ticks\]; a cycle counts once.
    pub longest_path_ticks: u64,
    /// Each population.
    pub populations: Vec<PopulationCost>,
}

/// What a population costs and how its numbers are held.
#[derive(Clone, Debug, PartialEq)]
pub struct PopulationCost {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<u32>,
    /// Weights and sums are whole multiples of this, a power of two.
    pub quantum: f64,
    /// The largest change of a weight by rounding.
    pub rounding_max: f64,
    /// Bits of a sum: 32 or 64.
    pub sum_bits: u32,
    /// When it is evaluated within a tick.
    pub rank: u16,
}
