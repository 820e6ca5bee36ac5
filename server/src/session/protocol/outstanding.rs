//! What a producer has given to the simulation and what is not simulated yet.
//!
//! Kept by time, not by the simulation's own count, so that each producer's share is known: a batch
//! has left the queue once all time up to its latest event is closed. Bounded: beyond so many
//! entries neighbours become one, and their credit comes back together.

use std::collections::VecDeque;

use crate::session::codec::{Damaged, Reader, Writer};

const ENTRIES_MAX: usize = 4_096;

/// Credit that batches hold, in the order in which they were handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outstanding {
    /// (time of the latest event \[µs\], charge)
    entries: VecDeque<(u64, u64)>,
    total: u64,
}

impl Outstanding {
    /// All of it.
    pub(super) const fn total(&self) -> u64 {
        self.total
    }

    /// A batch goes to the simulation.
    pub(super) fn push(&mut self, latest_us: u64, charge: u64) {
        if charge == 0 {
            return;
        }
        self.total += charge;
        let full = self.entries.len() >= ENTRIES_MAX;
        match self.entries.back_mut() {
            Some((last_us, sum)) if full || *last_us >= latest_us => {
                *last_us = latest_us.max(*last_us);
                *sum += charge;
            }
            _ => self.entries.push_back((latest_us, charge)),
        }
    }

    /// All time below `closed_us` is simulated.
    pub(super) fn release(&mut self, closed_us: u64) {
        while let Some(&(latest_us, charge)) = self.entries.front()
            && latest_us < closed_us
        {
            self.total -= charge;
            self.entries.pop_front();
        }
    }

    pub(super) fn save(&self, out: &mut Writer) {
        out.u64(self.entries.len() as u64);
        for &(latest_us, charge) in &self.entries {
            out.u64(latest_us);
            out.u64(charge);
        }
    }

    pub(super) fn load(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let count = from.u64()?;
        if count > ENTRIES_MAX as u64 {
            return Err(from.damaged(format!("{count} batches outstanding")));
        }
        let mut outstanding = Self::default();
        for _ in 0..count {
            let (latest_us, charge) = (from.u64()?, from.tally()?);
            outstanding.total = from.check_tally(outstanding.total + charge)?;
            outstanding.entries.push_back((latest_us, charge));
        }
        Ok(outstanding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_closed_comes_back_and_nothing_is_lost() {
        let mut outstanding = Outstanding::default();
        outstanding.push(10, 3);
        outstanding.push(7, 2);
        outstanding.push(20, 1);
        outstanding.release(10);
        assert_eq!(outstanding.total(), 6, "an event at 10 waits until 11 is closed");
        outstanding.release(11);
        assert_eq!(outstanding.total(), 1);
        for time_us in 0..2 * ENTRIES_MAX as u64 {
            outstanding.push(21 + time_us, 1);
        }
        assert_eq!(outstanding.entries.len(), ENTRIES_MAX);
        assert_eq!(outstanding.total(), 1 + 2 * ENTRIES_MAX as u64);
        outstanding.release(u64::MAX);
        assert_eq!(outstanding, Outstanding::default());
    }
}
