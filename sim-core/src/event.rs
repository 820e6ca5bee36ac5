//! What flows into the core and out of it.

use crate::{
    ids::OutputId,
    time::{Rank, Tick},
};

/// An event at the door of an input port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputEvent {
    /// When [µs, sender's clock].
    pub time_us: u64,
    /// Where: a row-major index into the port's shape before its filters.
    pub address: u32,
    /// How many at once; at least 1. For a port of frames, what [`InputEvent::sample`] says.
    pub multiplicity: u32,
}

impl InputEvent {
    /// One value of a frame: `address` is whisker × 6 + component.
    ///
    /// Its bits, plus one, stand in place of the multiplicity, so that none is zero.
    #[must_use]
    pub const fn sample(time_us: u64, address: u32, value: f32) -> Self {
        let bits = if value.is_nan() { f32::NAN.to_bits() } else { value.to_bits() };
        Self { time_us, address, multiplicity: bits.wrapping_add(1) }
    }

    /// The value of a [sample](Self::sample).
    #[must_use]
    pub const fn value(&self) -> f32 {
        f32::from_bits(self.multiplicity.wrapping_sub(1))
    }

    /// A single event.
    #[must_use]
    pub const fn new(time_us: u64, address: u32) -> Self {
        Self { time_us, address, multiplicity: 1 }
    }
}

/// A neuron fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spike {
    /// The first tick at or after the threshold crossing.
    pub tick: Tick,
    /// When within the tick.
    pub rank: Rank,
    /// Where it leaves the core.
    pub port: OutputId,
    /// Which neuron, in the output port's own address space.
    pub address: u32,
    /// Threshold crossings within the tick; at least 1.
    pub multiplicity: u32,
}

/// A readout decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decision {
    /// The tick at whose end it was decided.
    pub tick: Tick,
    /// When within the tick.
    pub rank: Rank,
    /// Where it leaves the core.
    pub port: OutputId,
    /// The winning class.
    pub class: u32,
    /// Spikes of the winning class in the window, or in the sample.
    pub votes: u64,
    /// Spikes of all classes there.
    pub votes_total: u64,
    /// Where a sample was decided.
    pub verdict: Option<Verdict>,
}

/// How a sample was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Verdict {
    /// The winning class's softmax \[millionths\].
    pub confidence_ppm: u32,
    /// What it took \[ticks\], the sample's first and last included.
    pub ticks: u64,
}

/// One item of output. The order of output is (tick, rank, port, index).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A neuron fired.
    Spike(Spike),
    /// A readout decided.
    Decision(Decision),
}

impl Output {
    /// The whole key that orders output.
    #[must_use]
    pub const fn order(&self) -> (Tick, Rank, OutputId, u32) {
        match self {
            Self::Spike(spike) => (spike.tick, spike.rank, spike.port, spike.address),
            Self::Decision(decision) => (decision.tick, decision.rank, decision.port, 0),
        }
    }

    /// The tick it belongs to.
    #[must_use]
    pub const fn tick(&self) -> Tick {
        self.order().0
    }
}
