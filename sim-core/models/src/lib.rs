//! Every interleaving of what the workers of a simulation do to each other, gone through by loom.
//!
//! The files under test are the shipped ones: `exchange` is compiled here once more, with the
//! atomics, fences, slots and bells of `sync` in place of the platform's. These know from where
//! in the source they are called, so that a [`mutant`](mutants) is made while a model runs: one
//! access at a time is weakened, or one fence or ring left out, and some model has to see it.
//!
//! `cargo test -p sim-core-models` runs the models and all mutants.

#[expect(clippy::absurd_extreme_comparisons, reason = "the SPINS of this crate are none")]
#[path = "../../src/exchange/mod.rs"]
mod exchange;
pub mod models;
pub mod mutants;
mod sync;
