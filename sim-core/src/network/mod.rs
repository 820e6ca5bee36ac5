//! From a description to an immutable, shared plan.
//!
//! A description is checked as a whole, and every problem found is named, before anything large
//! is allocated. The plan holds flat arrays; all that changes while a session runs lives in the
//! session.

mod check;
mod compile;
pub mod description;
mod identity;
mod order;
mod plan;
mod problem;
mod quantum;
mod resolve;
mod scale;
mod shard;
mod spread;
mod tables;

pub use description::*;
pub use plan::Plan;
pub(crate) use plan::{InputPlan, PopulationPlan, Travel};
pub(crate) use shard::{Shard, Share};
pub use spread::{Deliveries, Spread};
pub use problem::{PlanError, Problem};
pub use tables::{AddressRange, Cost, InputTable, OutputKind, OutputTable, PopulationCost};
