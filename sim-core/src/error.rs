//! What can go wrong while a simulation runs, as values with place and number.

use crate::{ids::InputId, network::PlanError, time::Tick};

/// An event or a promise that a port cannot take. Nothing of the call was taken.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OfferError {
    /// There is no such port.
    #[error("no input port {port}; the network has {ports}")]
    Port {
        /// What was asked for.
        port: u16,
        /// How many there are.
        ports: usize,
    },
    /// An address beyond the port's shape.
    #[error("event {position}: address {address} is not below {addresses}")]
    Address {
        /// Zero-based position in the slice.
        position: usize,
        /// The event's address.
        address: u32,
        /// Addresses of the port.
        addresses: u32,
    },
    /// An event below the promise.
    #[error("event {position}: {time_us} µs is below the promise of {promise_us} µs")]
    Late {
        /// Zero-based position in the slice.
        position: usize,
        /// The event's time \[µs\].
        time_us: u64,
        /// The port's promise \[µs\].
        promise_us: u64,
    },
    /// A multiplicity of zero.
    #[error("event {position}: a multiplicity of 0")]
    Multiplicity {
        /// Zero-based position in the slice.
        position: usize,
    },
    /// A value that is not finite, or greater than its port takes.
    #[error("event {position}: a value of {value}; magnitudes up to {value_max} are taken")]
    Value {
        /// Zero-based position in the slice.
        position: usize,
        /// The value.
        value: f32,
        /// The greatest magnitude.
        value_max: f32,
    },
    /// A promise below one already given.
    #[error("a promise of {promise_us} µs after one of {given_us} µs")]
    Backwards {
        /// The new promise \[µs\].
        promise_us: u64,
        /// The one given before \[µs\].
        given_us: u64,
    },
}

/// Why a simulation cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimulationError {
    /// More events at one address in one tick than the port allows. The simulation ends there.
    #[error(
        "{events} events at address {address} of input port {} in tick {}; at most {allowed}",
        port.0, tick.0
    )]
    Excess {
        /// The port.
        port: InputId,
        /// The tick, which was not run.
        tick: Tick,
        /// The address after the filters.
        address: u32,
        /// Events there.
        events: u64,
        /// What the port allows.
        allowed: u32,
    },
    /// More spikes in flight than the cap. The state is whole; a snapshot of it can be restored.
    #[error("{in_flight} spikes in flight at tick {}; the cap is {cap}", tick.0)]
    InFlight {
        /// The last tick that was run.
        tick: Tick,
        /// Spikes on their way.
        in_flight: usize,
        /// The most that the options allow.
        cap: usize,
    },
}

/// Why weights cannot be read or set. Nothing of the call was done.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WeightsError {
    /// There is no such projection.
    #[error("no projection {projection}; the network has {projections}")]
    Projection {
        /// What was asked for.
        projection: u16,
        /// How many there are.
        projections: usize,
    },
    /// There is no such source.
    #[error("source {source_index} is not below {sources}")]
    Source {
        /// What was asked for.
        source_index: u32,
        /// How many there are.
        sources: u32,
    },
    /// A convolution's weights belong to all places at once.
    #[error("a convolution has no weights of single synapses")]
    Shared,
    /// Not one weight for each synapse.
    #[error("{given} weights for {synapses} synapses")]
    Count {
        /// Weights.
        given: usize,
        /// Synapses of the source.
        synapses: usize,
    },
    /// A weight that is not finite, beyond what the target's quantum can count in 24 bits, or so small
    /// that none of it would be left.
    #[error(
        "weight {position}: {weight} is not within {limit} of 0, or rounds to nothing; the network's \
         largest weight onto that target decides what can be set"
    )]
    Weight {
        /// Zero-based position in the slice.
        position: usize,
        /// The weight.
        weight: f64,
        /// The largest magnitude.
        limit: f64,
    },
    /// There is no such synapse.
    #[error(
        "change {position}: no synapse {synapse} of source {source_index}, which has {synapses}"
    )]
    Synapse {
        /// Zero-based position of the change.
        position: usize,
        /// What was asked for.
        synapse: u32,
        /// Of which source.
        source_index: u32,
        /// How many it has.
        synapses: usize,
    },
    /// A sum that could overflow.
    #[error("what reaches target {target} in one tick could overflow its sum")]
    Sum {
        /// The target's index.
        target: u32,
    },
}

/// Why a parameter cannot be read or set. Nothing of the call was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// There is no such population.
    #[error("no population {population}; the network has {populations}")]
    Population {
        /// What was asked for.
        population: u16,
        /// How many there are.
        populations: usize,
    },
    /// The model has no such parameter.
    #[error("no parameter {0:?}")]
    Name(String),
    /// There is no such neuron.
    #[error("neuron {neuron} is not below {neurons}")]
    Neuron {
        /// What was asked for.
        neuron: u32,
        /// How many there are.
        neurons: u32,
    },
    /// It has done its part before the first tick, a drive's steps rule it, or it is a source's.
    #[error("{0:?} cannot be set while the network runs")]
    Fixed(String),
    /// Not one value for each neuron.
    #[error("{given} values for {neurons} neurons")]
    Count {
        /// Values.
        given: usize,
        /// Neurons of the population.
        neurons: u32,
    },
    /// Values that are drawn: say which.
    #[error("values that are drawn cannot be set; give one for all or one each")]
    Drawn,
    /// The plan would refuse it.
    #[error(transparent)]
    Refused(#[from] PlanError),
    /// Sums are not made for so many spikes.
    #[error(
        "a neuron could fire {times} times in one tick, and sums are made for {times_max}: a refractory \
         time above a tick, or the new value in the network's description, helps"
    )]
    Multiplicity {
        /// With the new value.
        times: u32,
        /// With the plan's.
        times_max: u32,
    },
}

/// Why bytes are not a snapshot that can be restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The bytes end too soon.
    #[error("truncated: {needed} bytes needed at offset {offset}, {left} left")]
    Truncated {
        /// Where.
        offset: usize,
        /// What a field needs.
        needed: usize,
        /// What is there.
        left: usize,
    },
    /// Not a snapshot at all.
    #[error("not a snapshot: it does not begin with the magic bytes")]
    Magic,
    /// A format that this release does not read.
    #[error("snapshot format {found}; this release reads {known}")]
    Format {
        /// The snapshot's.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// Made by other arithmetic, which would continue differently.
    #[error("dynamics version {found}; this release computes version {known}")]
    Dynamics {
        /// The snapshot's.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// Of another network.
    #[error("a snapshot of another network")]
    Network,
    /// A damaged section.
    #[error("section {section}: checksum {found:#010x}, computed {computed:#010x}")]
    Checksum {
        /// Which.
        section: u32,
        /// As stored.
        found: u32,
        /// As computed.
        computed: u32,
    },
    /// A value that cannot be.
    #[error("section {section}: {message}")]
    Value {
        /// Which.
        section: u32,
        /// What is wrong.
        message: String,
    },
}
