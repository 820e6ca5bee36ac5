//! What a run is told by the environment, as `cargo xtask fuzz` sets it.

use std::{env, str::FromStr};

/// How many inputs a target gets when nobody says: a moment's worth.
const INPUTS_DEFAULT: u64 = 2_000;
const SEED_DEFAULT: u64 = 1;

/// How long to try what.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// `SPIKED_FUZZ_INPUTS`: how many inputs.
    pub(crate) inputs: u64,
    /// `SPIKED_FUZZ_SEED`: of which stream.
    pub(crate) seed: u64,
    /// `SPIKED_FUZZ_FROM`: the number of the first.
    pub(crate) from: u64,
    /// `SPIKED_FUZZ_THREADS`: how many threads share them.
    pub(crate) threads: u64,
    /// `SPIKED_FUZZ_MARK`: a file that holds the numbers being tried, 8 bytes a thread, for whoever
    /// finds the process ended by a signal.
    pub(crate) mark: Option<String>,
}

impl Settings {
    pub(crate) fn from_environment() -> Self {
        Self {
            inputs: number("SPIKED_FUZZ_INPUTS", INPUTS_DEFAULT),
            seed: number("SPIKED_FUZZ_SEED", SEED_DEFAULT),
            from: number("SPIKED_FUZZ_FROM", 0),
            threads: number("SPIKED_FUZZ_THREADS", 1).max(1),
            mark: env::var("SPIKED_FUZZ_MARK").ok(),
        }
    }
}

/// A run of another length than was meant would pass for the one that was, so a word that is no
/// number fails it.
fn number<T: FromStr>(name: &str, default: T) -> T {
    match env::var(name) {
        Err(_) => default,
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}: {text:?} is no number")),
    }
}
