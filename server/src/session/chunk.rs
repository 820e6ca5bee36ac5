//! What the protocol hands to the simulation: checked events and what to do with them, in order.
//!
//! A chunk is filled on the I/O thread and applied on a simulation thread, then goes back empty so
//! that its memory is used again. While the ring between the two is full, the last chunk grows:
//! tiny batches cost 16 bytes an event there, and no slot of their own.
//! Invariants: the counts of `Op::Events` add up to `events.len()`; a change comes in an earlier chunk
//! than a promise that would let its tick run, or in the same.

use std::sync::Arc;

use sim_core::{InputEvent, InputId};

use super::tuning::Change;

/// Chunks that grew beyond this are not kept for reuse [events].
const KEPT_EVENTS_MAX: usize = 1 << 16;

/// One step of a session's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Tick 0 lies here [µs, sender's clock]. At most once, before anything else.
    Origin { time_us: u64 },
    /// The next `count` events of the chunk go to this port.
    Events { port: InputId, count: usize },
    /// No event before this time is still to come on any port [µs, sender's clock].
    Promise { time_us: u64 },
    /// No input will follow. With a time, every tick below it runs before the session ends.
    End { run_to_us: Option<u64>, failed: bool },
}

/// Checked input, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// The events of all `Op::Events`, one after another.
    pub(crate) events: Vec<InputEvent>,
    /// What happens, in order.
    pub(crate) ops: Vec<Op>,
    /// What is set, each at its own tick, whatever happens else.
    pub(crate) changes: Vec<Arc<Change>>,
}

impl Chunk {
    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.changes.is_empty()
    }

    /// Adds a step; neighbours that say the same become one.
    pub(crate) fn push(&mut self, op: Op) {
        match (self.ops.last_mut(), op) {
            (Some(Op::Promise { time_us: last }), Op::Promise { time_us }) => *last = time_us,
            (Some(Op::Events { port: last, count: sum }), Op::Events { port, count })
                if *last == port =>
            {
                *sum += count;
            }
            _ => self.ops.push(op),
        }
    }

    /// Appends all of another chunk.
    pub(crate) fn append(&mut self, other: &mut Self) {
        self.events.append(&mut other.events);
        self.changes.append(&mut other.changes);
        for op in other.ops.drain(..) {
            self.push(op);
        }
    }

    /// Makes it ready for reuse.
    pub(crate) fn clear(&mut self) {
        self.ops.clear();
        self.changes.clear();
        self.events.clear();
        self.events.shrink_to(KEPT_EVENTS_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_merge_and_order_stays() {
        let events = |port, count| Op::Events { port: InputId(port), count };
        let mut chunk = Chunk::default();
        for op in [events(0, 1), events(0, 2), events(1, 4)] {
            chunk.push(op);
        }
        for time_us in [3, 5] {
            chunk.push(Op::Promise { time_us });
        }
        chunk.push(events(1, 8));
        let merged = [events(0, 3), events(1, 4), Op::Promise { time_us: 5 }, events(1, 8)];
        assert_eq!(chunk.ops, merged);
    }
}
