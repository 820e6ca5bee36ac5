//! Sessions: running instances of networks, from a numbered batch to numbered output.
//!
//! ```text
//! I/O thread                                                       simulation threads
//! stream -> host: protocol -> (journal) -> chunk ──ring──> engine: offer, advance, encode
//! stream <- outlet <- host: what is kept for readers <──ring────────────┘
//! ```
//!
//! A session's host owns all of it but the engine. Between the two lies one [`link::Link`] of
//! bounded queues and atomics: no mutex lies on an event's path, and the simulation never waits for
//! the network, nor the network for the simulation. Whose turn is next is found under a lock, once
//! a turn ([`pool`]).

pub mod archive;
pub(crate) mod buckets;
pub(crate) mod chunk;
pub(crate) mod codec;
pub(crate) mod data;
pub(crate) mod engine;
pub(crate) mod figures;
pub(crate) mod handle;
pub(crate) mod host;
pub(crate) mod journal;
pub(crate) mod ledger;
pub(crate) mod link;
pub(crate) mod making;
pub(crate) mod meter;
mod outlet;
pub(crate) mod output;
pub(crate) mod parking;
pub(crate) mod pool;
pub(crate) mod positions;
mod probing;
pub(crate) mod protocol;
pub(crate) mod reader;
pub(crate) mod registry;
mod retained;
pub(crate) mod settings;
pub(crate) mod snapshot;
pub(crate) mod store;
pub(crate) mod tables;
mod tuning;
mod turns;
pub(crate) mod watching;
