//! From a description to an immutable, shared plan.
//!
//! A description is checked as a whole, and every problem found is named, before anything large
//! is allocated. The plan holds flat arrays; all that changes while a session runs lives in the
//! session.

mod builder;
mod check;
mod compile;
pub mod description;
mod frames;
mod identity;
mod memory;
pub mod neurons;
mod noise;
mod order;
mod plan;
mod problem;
mod quantum;
mod random_connectivity;
mod readout;
mod resolve;
mod scale;
mod shard;
mod short_term;
mod spread;
mod tables;
mod update;
mod values;

pub use crate::neuron::linear::sweep::Vectors;
pub use builder::{Builder, explicit};
pub use description::*;
pub use frames::{
    Afferent, Afferents, BadValue, COMPONENT_COUNT, COMPONENTS, FrameEncoder, FrameSource,
    LevelCrossing, Whisker,
};
pub use neurons::lif::{Adaptation, LifParameters, Receptor, ReceptorKind, Reset};
pub use neurons::{
    AdexParameters, ConductanceParameters, DiscreteParameters, IzhikevichParameters,
};
pub(crate) use noise::NoisePlan;
pub use plan::Plan;
pub(crate) use plan::{InputPlan, PopulationPlan, ProjectionPlan, Travel};
pub(crate) use problem::Problems;
pub use problem::{PlanError, Problem};
pub(crate) use random_connectivity::DelaySampler;
pub use random_connectivity::{Delays, RandomConnectivity, RandomRule};
pub use readout::{Readout, ReadoutRule};
pub(crate) use shard::{Shard, Share};
pub use short_term::ShortTerm;
pub use spread::{Deliveries, Spread};
pub use tables::{
    AddressRange, Cost, InputTable, OutputKind, OutputTable, PopulationCost, ProjectionTable,
};
pub use update::Update;
pub(crate) use values::Sampler;
pub use values::Values;
