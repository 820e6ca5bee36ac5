//! What of a conversation goes into the journal: all that shapes the simulation, with what was
//! decided about it, so that the protocol makes the same of it when it is read again.

use std::sync::Arc;

use spiked_proto::v1;

use crate::session::tuning::Setting;

/// One entry, in the order in which it took effect.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Record {
    /// A batch was accepted; `dropped` says that it met a full queue, and its events were.
    Batch { producer: usize, dropped: bool, batch: v1::EventBatch },
    /// A producer promised.
    Promise { producer: usize, time_us: u64 },
    /// The daemon's clock promised, under live pace.
    Watermark { time_us: u64 },
    /// A producer sends no more; `failed` ends the whole session's input.
    End { producer: usize, failed: bool },
    /// The oldest piece that waited went to the simulation.
    Handed,
    /// The events of the oldest piece that waited were dropped.
    Dropped,
    /// Weights or parameters were set, from the first tick on that was not promised to be over.
    Set(Arc<Setting>),
}
