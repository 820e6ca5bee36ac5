//! What can be wrong with one sample of a file. Spikes are counted from 0, as samples are.

use thiserror::Error;

use super::SPIKES_MAX;
use crate::{Fault, formats::hdf5::SequenceFault};

/// What is wrong with a sample.
#[derive(Debug, Error)]
pub enum SampleFault {
    /// The file has no such sample.
    #[error("isn't there: the file has {count} samples")]
    Missing {
        /// Samples that there are.
        count: u64,
    },
    /// A time that is no number, infinite, below zero or days away.
    #[error("has {time_s} s as the time of spike {spike}, expected 0 to 1000000")]
    Time {
        /// Which spike, as the file has them.
        spike: usize,
        /// Its time \[s\].
        time_s: f64,
    },
    /// A channel that the cochlea doesn't have.
    #[error("has channel {channel} for spike {spike}, expected a whole number below {channels}")]
    Channel {
        /// Which spike, as the file has them.
        spike: usize,
        /// Its channel.
        channel: f64,
        /// Channels that there are.
        channels: u32,
    },
    /// Times without channels, or the other way round.
    #[error("has {times} times and {channels} channels")]
    Lengths {
        /// Times that it has.
        times: usize,
        /// Channels that it has.
        channels: usize,
    },
    /// More spikes than are read, or than the file can hold.
    #[error("has {spikes} spikes, expected {SPIKES_MAX} at most, and no more than the file holds")]
    TooMany {
        /// Spikes that it claims.
        spikes: u64,
    },
    /// A label that stands for no class.
    #[error("has the label {label}, expected a whole number below {classes}")]
    Label {
        /// What stands there.
        label: f64,
        /// Classes that there are.
        classes: u64,
    },
    /// A name that no array of the file has.
    #[error("is called {key:?}, which is no array of {group}: {problem}")]
    Key {
        /// What the sample is called.
        key: String,
        /// Where the array should be.
        group: String,
        /// What the file says.
        problem: String,
    },
    /// A reference to its times, channels or name that leads nowhere.
    #[error("is damaged: its row of {array} {fault}")]
    Sequence {
        /// Where the reference stands.
        array: String,
        /// What is wrong with it.
        fault: SequenceFault,
    },
    /// An array that cannot be read.
    #[error("is damaged: the file {0}")]
    Array(Box<Fault>),
}

impl From<Fault> for SampleFault {
    fn from(fault: Fault) -> Self {
        Self::Array(Box::new(fault))
    }
}
