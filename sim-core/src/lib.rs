//! The simulation core: event-driven, exact, deterministic; without clock, I/O or async.
//!
//! A [`Network`](network::Network) describes populations, projections with a delay for every
//! synapse, ports and readouts. [`Plan::new`] validates it as a whole; a [`Simulation`] is one
//! running instance: events are offered at its ports, a promise says that nothing earlier is still
//! to come, and [`Simulation::advance`] runs every tick that is closed. What comes out depends on
//! network, seed and input alone: never on batches, pauses, snapshots or the machine.
//!
//! ```
//! use std::sync::Arc;
//! use sim_core::{network::*, *};
//!
//! // One channel excites one neuron 3 ms later.
//! let network = Network {
//!     tick: TickLength::MILLISECOND,
//!     inputs: vec![InputPort::new("touch", InputShape::Channels(vec![1]))],
//!     populations: vec![Population::new("cell", &[1], Neuron::Lif(LifParameters::default()))],
//!     projections: vec![Projection::new(
//!         "excite",
//!         "touch",
//!         "cell",
//!         Connectivity::OneToOne { weight: 1.0, delay_ticks: 3 },
//!     )],
//!     outputs: vec![OutputPort { name: "spikes".into(), sources: vec!["cell".into()] }],
//!     ..Network::default()
//! };
//! let plan = Arc::new(Plan::new(&network, &[])?);
//! let mut simulation = Simulation::new(plan, Options::default());
//! simulation.offer(InputId(0), &[InputEvent::new(2_500, 0)])?;
//! simulation.promise(InputId(0), 100_000)?;
//! simulation.advance(Budget::UNLIMITED)?;
//! let Output::Spike(spike) = simulation.outputs()[0] else { panic!("a spike") };
//! assert_eq!(spike.tick, Tick(5));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod calendar;
pub mod connect;
mod crew;
mod error;
mod event;
mod exchange;
mod ids;
mod input;
mod math;
pub mod network;
mod neuron;
mod partition;
mod random;
mod readout;
mod simulation;
mod snapshot;
mod sums;
mod sync;
mod time;

pub use error::{OfferError, ParameterError, SimulationError, SnapshotError, WeightsError};
pub use event::{Decision, InputEvent, Output, Spike, Verdict};
pub use ids::{InputId, OutputId, PopulationId, ProjectionId, ReadoutId, SourceId};
pub use math::DYNAMICS_VERSION;
pub use network::{
    AddressRange, Cost, InputTable, OutputKind, OutputTable, Plan, PlanError, PopulationCost,
    Problem, ProjectionTable,
};
pub use simulation::{
    Budget, Counters, Excess, Options, Progress, Simulation, Synapse, WeightChange,
};
pub use time::{Delay, Rank, Tick, TickLength};
