//! Deliveries that wait at their target population for their tick.
//!
//! Rows are read ahead, up to [`REACH`] ticks at a time, and leave each delivery in the bucket of
//! its tick: there lies, next to each other and in 8 bytes each, all that a tick adds up. Amounts
//! are weights times multiplicities \[quanta\].

use super::near::{Near, SLOTS};

/// Deliveries are made less than so many ticks before they are due.
pub(crate) const REACH: u64 = SLOTS;

/// What one synapse adds to one target in one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) slot: u32,
    pub(crate) amount: i32,
}

/// The same where 32 bits might not hold the amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Graded {
    pub(crate) slot: u32,
    pub(crate) amount: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    pub(crate) plain: Near<Delivery>,
    pub(crate) graded: Near<Graded>,
}

impl Arrivals {
    pub(crate) const fn new() -> Self {
        Self { plain: Near::new(), graded: Near::new() }
    }

    /// The first tick, not before `from`, at which something is due.
    pub(crate) fn next_due(&self, from: u64) -> Option<u64> {
        let due = [self.plain.next_due(from), self.graded.next_due(from)];
        due.into_iter().flatten().min()
    }

    /// The number of deliveries due at a tick.
    pub(crate) fn due(&self, tick: u64) -> usize {
        self.plain.due(tick) + self.graded.due(tick)
    }
}
