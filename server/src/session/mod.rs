//! Sessions: running instances of networks, from a numbered batch to numbered output.
//!
//! ```text
//! I/O thread                                  simulation threads
//! intake -> protocol -> chunk ──ring──> engine: offer, advance, encode ──ring──> reader
//!                                          └── watchers
//! ```
//!
//! Everything between the two sides lives in one [`link::Link`] of bounded queues and atomics: no
//! mutex lies on an event's path, and the simulation never waits for the network, nor the network
//! for the simulation.

pub(crate) mod chunk;
pub(crate) mod codec;
pub(crate) mod engine;
mod handle;
pub(crate) mod intake;
pub(crate) mod link;
pub(crate) mod making;
pub(crate) mod output;
pub(crate) mod parking;
pub(crate) mod pool;
pub(crate) mod positions;
pub(crate) mod protocol;
pub(crate) mod reader;
pub(crate) mod registry;
pub(crate) mod settings;
pub(crate) mod snapshot;
pub(crate) mod tables;
pub(crate) mod watch;
