//! A network as its author describes it: names, shapes, arrays. Nothing here is checked;
//! [`Plan::new`](crate::network::Plan::new) validates a description as a whole.
//!
//! Delays are ticks; weights share the unit of their target's threshold. Arrays are row-major.

use std::sync::Arc;

pub use super::{
    AdexParameters, ConductanceParameters, DiscreteParameters, IzhikevichParameters, LifParameters,
};
use super::{FrameSource, RandomConnectivity, Readout, ShortTerm, Update, Values};
use crate::time::TickLength;

/// A whole network.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Its name, for people.
    pub name: String,
    /// Length of a tick.
    pub tick: TickLength,
    /// Seed of everything random in it.
    pub seed: u64,
    /// Where events come in.
    pub inputs: Vec<InputPort>,
    /// The neurons.
    pub populations: Vec<Population>,
    /// The synapses.
    pub projections: Vec<Projection>,
    /// What turns spikes into decisions.
    pub readouts: Vec<Readout>,
    /// What leaves the core.
    pub outputs: Vec<OutputPort>,
}

/// One extent of a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A fixed size.
    Size(u32),
    /// The height of an input port after its filters.
    HeightOf(String),
    /// The width of an input port after its filters.
    WidthOf(String),
}

impl From<u32> for Extent {
    fn from(size: u32) -> Self {
        Self::Size(size)
    }
}

/// Where events come in.
#[derive(Clone, Debug)]
pub struct InputPort {
    /// Unique over ports and populations.
    pub name: String,
    /// What is behind it.
    pub shape: InputShape,
    /// Applied in this order, in µs, before time is floored to ticks.
    pub filters: Vec<Filter>,
    /// The most events at one address in one tick, 1 to 65 535; bounds the sums.
    pub multiplicity_max: u32,
    /// Several events in one tick at one address count as one.
    pub binary: bool,
}

impl InputPort {
    /// A port of frames without filters, with as many spikes an address and tick as the encoder may
    /// give.
    #[must_use]
    pub fn frames(name: &str, source: FrameSource, tick: TickLength) -> Self {
        let multiplicity_max = source.multiplicity_max(tick);
        Self { multiplicity_max, ..Self::new(name, InputShape::Frames(source.into())) }
    }

    /// A port without filters, with up to 255 events an address and tick.
    #[must_use]
    pub fn new(name: &str, shape: InputShape) -> Self {
        Self { name: name.into(), shape, filters: Vec::new(), multiplicity_max: 255, binary: false }
    }
}

/// What is behind an input port.
#[derive(Clone, Debug, PartialEq)]
pub enum InputShape {
    /// An event camera: [2, height, width], where `None` leaves the size to whoever opens a
    /// session.
    Sensor(Option<SensorSize>),
    /// Numbered channels, row-major.
    Channels(Vec<u32>),
    /// Analogue frames of whiskers, and what turns them into spikes.
    Frames(Arc<FrameSource>),
}

/// Pixels across and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SensorSize {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// A filter at the door, for ports that are cameras (refractory: any port).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Keeps a rectangle, whose corner becomes (0, 0) \[pixels\].
    Crop {
        /// First column kept.
        x: u32,
        /// First row kept.
        y: u32,
        /// Columns kept.
        width: u32,
        /// Rows kept.
        height: u32,
    },
    /// Divides x and y; the last column and row may be narrower.
    Downsample {
        /// By what; at least 1.
        factor: u32,
    },
    /// Drops an event that follows an accepted one of the same address too soon.
    Refractory {
        /// How soon \[µs\].
        period_us: u64,
    },
    /// Mirrors columns, rows or polarities.
    Flip {
        /// Left becomes right.
        horizontal: bool,
        /// Top becomes bottom.
        vertical: bool,
        /// ON becomes OFF.
        polarity: bool,
    },
}

/// Neurons of one model.
#[derive(Clone, Debug)]
pub struct Population {
    /// Unique over ports and populations.
    pub name: String,
    /// Row-major; [channels, height, width] for convolutions and winner-take-all.
    pub shape: Vec<Extent>,
    /// Their model.
    pub neuron: Neuron,
    /// Competition before spikes leave.
    pub winner_take_all: WinnerTakeAll,
    /// Parameters that differ from neuron to neuron.
    pub vary: Vec<Vary>,
    /// What arrives from outside, at random, in every tick.
    pub noise: Vec<Noise>,
    /// Later values of a leaky integrate-and-fire neuron's drive, by tick.
    pub drive_steps: Vec<DriveStep>,
    /// Ticks from one step of a clocked model to the next, at least 1; others have no clock.
    pub clock_ticks: u32,
    /// When leaky integrate-and-fire neurons are re-based.
    pub update: Update,
}

impl Population {
    /// Equal neurons without noise.
    #[must_use]
    pub fn new(name: &str, shape: &[u32], neuron: Neuron) -> Self {
        Self {
            name: name.into(),
            shape: shape.iter().map(|&extent| extent.into()).collect(),
            neuron,
            winner_take_all: WinnerTakeAll::None,
            vary: Vec::new(),
            noise: Vec::new(),
            drive_steps: Vec::new(),
            clock_ticks: 1,
            update: Update::Auto,
        }
    }

    /// With a parameter that varies.
    #[must_use]
    pub fn varying(mut self, parameter: &str, values: Values) -> Self {
        self.vary.push(Vary { parameter: parameter.into(), values });
        self
    }

    /// With noise on its first receptor.
    #[must_use]
    pub fn with_noise(mut self, rate_hz: f64, weight: f64) -> Self {
        self.noise.push(Noise { rate_hz, weight, receptor: String::new() });
        self
    }
}

/// A parameter that differs from neuron to neuron.
#[derive(Clone, Debug, PartialEq)]
pub struct Vary {
    /// Its name, as the model's `FIELDS` have it.
    pub parameter: String,
    /// Its values, drawn from the network's seed where they are random.
    pub values: Values,
}

/// A Poisson process onto every neuron: in each tick, a count drawn for neuron and tick arrives.
#[derive(Clone, Debug, PartialEq)]
pub struct Noise {
    /// Events a second onto each neuron \[Hz\].
    pub rate_hz: f64,
    /// Weight of each.
    pub weight: f64,
    /// Which receptor they act on; empty: the first.
    pub receptor: String,
}

/// A drive that changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriveStep {
    /// From when on; what arrives in this tick still meets the drive before. Above 0 and rising.
    pub at_tick: u64,
    /// As [`LifParameters::drive_mv`].
    pub drive_mv: f64,
}

/// A neuron model with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Neuron {
    /// Linear integrate-and-fire: exact between arrivals.
    Lif(LifParameters),
    /// Adds what arrives in one tick, compares, forgets.
    Accumulator(AccumulatorParameters),
    /// The simple model of Izhikevich (2003); clocked.
    Izhikevich(IzhikevichParameters),
    /// Adaptive exponential integrate-and-fire (Brette and Gerstner 2005); clocked.
    Adex(AdexParameters),
    /// Leaky integrate-and-fire with conductances; clocked.
    Conductance(ConductanceParameters),
    /// The discrete-time neurons of training frameworks; clocked.
    Discrete(DiscreteParameters),
    /// Spikes at random, from nothing.
    Poisson(PoissonParameters),
    /// Spikes at regular intervals, from nothing.
    Regular(RegularParameters),
}

impl Neuron {
    /// The names of its receptors, in order; none if it has one only, without a name.
    #[must_use]
    pub fn receptors(&self) -> Vec<&str> {
        match self {
            Self::Lif(lif) => lif.receptors.iter().map(|each| each.name.as_str()).collect(),
            Self::Adex(_) | Self::Conductance(_) => vec!["excitatory", "inhibitory"],
            _ => Vec::new(),
        }
    }

    /// The names of its parameters, in order.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        match self {
            Self::Lif(parameters) => parameters.fields(),
            Self::Accumulator(_) => named(&["threshold"]),
            Self::Izhikevich(_) => named(IzhikevichParameters::FIELDS),
            Self::Adex(_) => named(AdexParameters::FIELDS),
            Self::Conductance(_) => named(ConductanceParameters::FIELDS),
            Self::Discrete(_) => named(DiscreteParameters::FIELDS),
            Self::Poisson(_) => named(&["rate"]),
            Self::Regular(_) => named(&["interval", "first"]),
        }
    }

    /// A parameter by its name.
    pub fn field_mut(&mut self, name: &str) -> Option<&mut f64> {
        match self {
            Self::Lif(parameters) => parameters.field_mut(name),
            Self::Accumulator(parameters) => {
                (name == "threshold").then_some(&mut parameters.threshold)
            }
            Self::Izhikevich(parameters) => parameters.field_mut(name),
            Self::Adex(parameters) => parameters.field_mut(name),
            Self::Conductance(parameters) => parameters.field_mut(name),
            Self::Discrete(parameters) => parameters.field_mut(name),
            Self::Poisson(parameters) => (name == "rate").then_some(&mut parameters.rate_hz),
            Self::Regular(parameters) => match name {
                "interval" => Some(&mut parameters.interval_ms),
                "first" => Some(&mut parameters.first_ms),
                _ => None,
            },
        }
    }
}

/// A Poisson process: intervals are independent and exponential.
#[derive(Clone, Debug, PartialEq)]
pub struct PoissonParameters {
    /// Spikes a second \[Hz\], 0 or above.
    pub rate_hz: f64,
}

/// A clockwork.
#[derive(Clone, Debug, PartialEq)]
pub struct RegularParameters {
    /// From one spike to the next \[ms\], above 0.
    pub interval_ms: f64,
    /// The first spike \[ms\], 0 or above.
    pub first_ms: f64,
}

/// The stateless neuron of Grimaldi and Perrinet (2023).
#[derive(Clone, Debug, PartialEq)]
pub struct AccumulatorParameters {
    /// Fires when the (rectified) sum reaches this, above 0.
    pub threshold: f64,
    /// What is compared with the threshold.
    pub rectify: Rectify,
    /// A spike needs the threshold exceeded, not only reached.
    pub strict: bool,
}

/// What an accumulator compares with its threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rectify {
    /// The sum.
    #[default]
    None,
    /// Its absolute value: a pattern and its polarity-flipped twin count alike.
    Absolute,
}

/// Who may fire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WinnerTakeAll {
    /// Everybody.
    #[default]
    None,
    /// At each (y, x) only the channel with the largest value, ties to the lowest; one rank later.
    PerLocation,
}

/// Synapses from one source to one target.
#[derive(Clone, Debug)]
pub struct Projection {
    /// For errors and descriptions.
    pub name: String,
    /// An input port or a population.
    pub source: String,
    /// A population.
    pub target: String,
    /// Which of the target's receptors it acts on; empty: its first.
    pub receptor: String,
    /// Added to every synapse's delay \[ticks\].
    pub axonal_delay_ticks: u32,
    /// Added to every synapse's delay \[ticks\]; apart because plasticity needs to know where a
    /// delay lies.
    pub dendritic_delay_ticks: u32,
    /// Which synapses there are.
    pub connectivity: Connectivity,
    /// How spikes change what later ones transmit; `None`: each transmits the whole weight.
    pub short_term: Option<ShortTerm>,
}

impl Projection {
    /// A projection without delays beyond its synapses' own.
    #[must_use]
    pub fn new(name: &str, source: &str, target: &str, connectivity: Connectivity) -> Self {
        Self {
            name: name.into(),
            source: source.into(),
            target: target.into(),
            receptor: String::new(),
            axonal_delay_ticks: 0,
            dendritic_delay_ticks: 0,
            connectivity,
            short_term: None,
        }
    }
}

/// Which synapses a projection has.
#[derive(Clone, Debug)]
pub enum Connectivity {
    /// Index i to index i; both sides have the same size.
    OneToOne {
        /// The same for all.
        weight: f64,
        /// The same for all \[ticks\].
        delay_ticks: u32,
    },
    /// One synapse an entry; several between one pair are normal.
    Explicit(Arc<ExplicitSynapses>),
    /// A kernel with delays, shared by all places and never materialised.
    Convolution(Arc<Convolution>),
    /// Every source to every target.
    Dense {
        /// [target, source], row-major: one each, or one for all.
        weights: Values,
        /// The same for all \[ticks\].
        delay_ticks: u32,
    },
    /// Drawn from a seed.
    Random(RandomConnectivity),
}

/// Parallel arrays, one entry a synapse.
#[derive(Clone, Debug, Default)]
pub struct ExplicitSynapses {
    /// Row-major indices into the source.
    pub sources: Vec<u32>,
    /// Row-major indices into the target.
    pub targets: Vec<u32>,
    /// Weights.
    pub weights: Vec<f64>,
    /// Delays \[ticks\].
    pub delays_ticks: Vec<u32>,
}

/// A kernel [out channel, in channel ÷ groups, delay, height, width] and how it is laid.
#[derive(Clone, Debug)]
pub struct Convolution {
    /// Row-major.
    pub kernel: Vec<f64>,
    /// Its five extents.
    pub shape: [u32; 5],
    /// Which of the two is meant.
    pub kind: ConvolutionKind,
    /// What lies outside.
    pub border: Border,
    /// Source places a target place; at least 1.
    pub stride: u32,
    /// Source places a kernel place; at least 1.
    pub dilation: u32,
    /// At least 1; divides both channel counts.
    pub groups: u32,
    /// Ticks between one delay of the kernel and the next; at least 1.
    pub delay_step_ticks: u32,
    /// Share of the weights kept, the largest of each out channel, the same number in each; in
    /// (0, 1].
    pub keep: f64,
}

/// How a kernel meets its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvolutionKind {
    /// The target at x gets K(dx) × the source at x - dx, dx from the kernel's centre.
    Convolution,
    /// The target at x gets K(dx) × the source at x + dx, as torch and NIR.
    CrossCorrelation,
}

/// What lies outside the source of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// Nothing; the target is as large as the source (÷ stride, rounded up).
    Zero,
    /// Nothing is needed: only places where the whole kernel lies inside.
    Valid,
    /// The field is a torus.
    Wrap,
}

/// What leaves the core.
#[derive(Clone, Debug)]
pub struct OutputPort {
    /// For tables.
    pub name: String,
    /// Populations, in address order, or one readout.
    pub sources: Vec<String>,
}
