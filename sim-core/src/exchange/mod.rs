//! Spikes on their way between partitions that run at the same time.
//!
//! A partition may run a tick once everybody who could still send it something for that tick is
//! past the moment of sending: conservative lookahead (Chandy and Misra 1979, Bryant 1977). What
//! passes is emissions, of which one stands for all synapses of its source. In which order those
//! of different partitions arrive depends on the machine and plays no part, for sums are exact.
//!
//! [`threads`](threads::threads) does it between the threads of one process. Time is cut into
//! segments: within one the workers run by themselves, and between two of them all have stopped.

pub(crate) mod clock;
pub(crate) mod ring;
mod sleep;
pub(crate) mod threads;

#[cfg(test)]
mod tests;

/// Spikes between partitions: threads here, other hosts would be another implementation.
///
/// A worker's segment from `start` to `end` is: `publish(start)`; then, until `end`, `receive`,
/// run the ticks that it opens and `send` what they emit, `publish`; and last `finish(end)`.
pub(crate) trait Exchange {
    /// Hands an emission of a tick that isn't published yet to another partition. May wait for
    /// that to take some; what arrives meanwhile is kept for the next `receive`.
    fn send(&mut self, to: usize, emission: Remote) -> Result<(), Abandoned>;

    /// Promises that everything this partition emits at ticks below `tick` has been sent. Never
    /// falls. Whoever skips empty time, between segments too, publishes where it has come to.
    fn publish(&mut self, tick: u64);

    /// Waits until this partition, which has published `tick`, may run it, and hands over what
    /// has arrived. Ticks below the one returned may be run: above `tick`, at most `until`. All
    /// that could reach them has been handed over by then, and more may have been.
    fn receive(
        &mut self,
        tick: u64,
        until: u64,
        each: impl FnMut(Remote),
    ) -> Result<u64, Abandoned>;

    /// Ends a segment: publishes `end`, waits until all who send to this partition have done so
    /// too, and hands over everything that they emitted at ticks below it.
    fn finish(&mut self, end: u64, each: impl FnMut(Remote)) -> Result<(), Abandoned>;
}

/// An emission on its way to another partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remote {
    /// When it was emitted; delays count from here.
    pub(crate) tick: u64,
    /// The neuron in the order of the description.
    pub(crate) index: u32,
    pub(crate) multiplicity: u32,
    pub(crate) population: u16,
}

/// Another worker has stopped in the middle of a segment: what was to come from it never will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another worker stopped in the middle of a segment")]
pub(crate) struct Abandoned;
