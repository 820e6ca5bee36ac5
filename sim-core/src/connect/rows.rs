//! Explicit synapses in compressed rows, one row a source, in delay order, 8 bytes a synapse.
//!
//! ```text
//! | weight \[quanta\], i24 | delay since the synapse before \[ticks\], u16 | target slot, u24 |
//! ```
//!
//! A delay step beyond 16 bits is a word of its own: target slot all ones, the step in the upper
//! 40 bits. A spike in flight is one cursor into its row.

use super::Emission;
use crate::sums::{Quads, Touched};

const TARGET_BITS: u32 = 24;
const STEP_BITS: u32 = 16;
const TARGET_MASK: u64 = (1 << TARGET_BITS) - 1;
/// In place of a target: the rest of the word is a long delay step.
const GAP: u64 = TARGET_MASK;
/// The largest target slot \[lanes\] that a row can name.
pub(crate) const SLOT_MAX: u64 = TARGET_MASK - 1;

/// One synapse before packing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Synapse {
    pub(crate) source: u32,
    pub(crate) delay_ticks: u32,
    /// Where the target's sum lies \[lanes\], at most [`SLOT_MAX`].
    pub(crate) slot: u32,
    /// \[quanta\], 24 bits signed.
    pub(crate) weight: i32,
}

#[derive(Debug)]
pub(crate) struct Rows {
    /// Row of source i: words `starts[i]..starts[i + 1]`.
    starts: Vec<u32>,
    words: Vec<u64>,
    synapses: u64,
}

/// A spike on its way along its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The next word, and the end of the row.
    pub(crate) at: u32,
    pub(crate) end: u32,
    pub(crate) multiplicity: u32,
    pub(crate) projection: u16,
    /// When the spike was emitted \[ticks\].
    pub(crate) emitted: u64,
}

impl Rows {
    /// Packs synapses, in any order, of `sources` sources.
    pub(crate) fn new(sources: u32, mut synapses: Vec<Synapse>) -> Self {
        synapses.sort_unstable();
        let mut starts = Vec::with_capacity(sources as usize + 1);
        let mut words = Vec::with_capacity(synapses.len());
        let mut rest = synapses.as_slice();
        for source in 0..sources {
            starts.push(word_count(&words));
            let row = rest.partition_point(|synapse| synapse.source == source);
            pack_row(&rest[..row], &mut words);
            rest = &rest[row..];
        }
        starts.push(word_count(&words));
        words.shrink_to_fit();
        Self { starts, words, synapses: synapses.len() as u64 }
    }

    pub(crate) fn synapses(&self) -> u64 {
        self.synapses
    }

    pub(crate) fn bytes(&self) -> u64 {
        (size_of_val(self.words.as_slice()) + size_of_val(self.starts.as_slice())) as u64
    }

    /// The row that a word belongs to.
    pub(crate) fn source_of(&self, word: u32) -> u32 {
        crate::sums::to_u32(self.starts.partition_point(|&start| start <= word) - 1)
    }

    /// Sends a spike along its row; returns the cursor and the delay of its first stop. `None` for
    /// an empty row.
    pub(crate) fn depart(
        &self,
        emission: Emission,
        projection: u16,
        emitted: u64,
    ) -> Option<(Cursor, u64)> {
        let source = emission.index as usize;
        let (at, end) = (self.starts[source], self.starts[source + 1]);
        let multiplicity = emission.multiplicity;
        let cursor = Cursor { at, end, multiplicity, projection, emitted };
        self.next_stop(cursor)
    }

    /// The same from the first stop at or after a delay, for what a snapshot found on its way.
    pub(crate) fn rejoin(
        &self,
        emission: Emission,
        projection: u16,
        emitted: u64,
        delay_ticks: u64,
    ) -> Option<(Cursor, u64)> {
        let (mut cursor, mut delay) = self.depart(emission, projection, emitted)?;
        while delay < delay_ticks {
            cursor.at += 1;
            let (next, step) = self.next_stop(cursor)?;
            (cursor, delay) = (next, delay + step);
        }
        Some((cursor, delay))
    }

    /// Steps over a gap, if there is one; the delay until the word that the cursor then names.
    #[inline]
    fn next_stop(&self, mut cursor: Cursor) -> Option<(Cursor, u64)> {
        if cursor.at == cursor.end {
            return None;
        }
        let word = self.words[cursor.at as usize];
        if word & TARGET_MASK == GAP {
            cursor.at += 1;
            return Some((cursor, word >> TARGET_BITS));
        }
        Some((cursor, step_ticks(word)))
    }

    /// Delivers all that is due at the cursor's stop; returns the number of deliveries and, unless
    /// the row is over, the cursor with the ticks to its next stop.
    #[inline]
    pub(crate) fn deliver(
        &self,
        mut cursor: Cursor,
        sums: &mut Quads,
    ) -> (u64, Option<(Cursor, u64)>) {
        let first = cursor.at;
        loop {
            let word = self.words[cursor.at as usize];
            sums.add(slot(word), weight(word), cursor.multiplicity);
            cursor.at += 1;
            let delivered = u64::from(cursor.at - first);
            match self.next_stop(cursor) {
                None => return (delivered, None),
                Some((next, 0)) => cursor = next,
                Some((next, ticks)) => return (delivered, Some((next, ticks))),
            }
        }
    }

    /// Names what [`Self::deliver`] at the same stop touches.
    #[inline]
    pub(crate) fn touch(&self, mut cursor: Cursor, touched: &mut Touched) {
        loop {
            touched.slot(slot(self.words[cursor.at as usize]));
            cursor.at += 1;
            match self.next_stop(cursor) {
                Some((next, 0)) => cursor = next,
                _ => return,
            }
        }
    }
}

fn word_count(words: &[u64]) -> u32 {
    u32::try_from(words.len()).expect("validation bounds a projection to 2^31 synapses")
}

fn pack_row(row: &[Synapse], words: &mut Vec<u64>) {
    let mut before = 0;
    for synapse in row {
        let mut step = u64::from(synapse.delay_ticks - before);
        before = synapse.delay_ticks;
        if step >= 1 << STEP_BITS {
            words.push(step << TARGET_BITS | GAP);
            step = 0;
        }
        debug_assert!(u64::from(synapse.slot) <= SLOT_MAX, "validation bounds the slot");
        let weight = i64::from(synapse.weight).cast_unsigned() << (TARGET_BITS + STEP_BITS);
        words.push(weight | step << TARGET_BITS | u64::from(synapse.slot));
    }
}

#[inline]
fn slot(word: u64) -> u32 {
    (word & TARGET_MASK) as u32
}

#[inline]
fn step_ticks(word: u64) -> u64 {
    word >> TARGET_BITS & ((1 << STEP_BITS) - 1)
}

#[inline]
fn weight(word: u64) -> i32 {
    (word.cast_signed() >> (TARGET_BITS + STEP_BITS)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sums::Layout;

    /// Walks a row to its end: (delay, slot) of every delivery.
    fn walk(rows: &Rows, source: u32) -> Vec<(u64, u32)> {
        let mut stops = Vec::new();
        let mut next = rows.depart(Emission { index: source, multiplicity: 1 }, 0, 0);
        let mut delay = 0;
        while let Some((cursor, ticks)) = next {
            delay += ticks;
            let mut touched = Touched::new(&Layout::Flat { size: 64 });
            rows.touch(cursor, &mut touched);
            let mut sums = Quads::new(&Layout::Flat { size: 64 }, false);
            next = rows.deliver(cursor, &mut sums).1;
            let Quads::Narrow(quads) = sums else { panic!("asked for narrow sums") };
            let hit = quads.as_flattened().iter().enumerate().filter(|(_, sum)| **sum != 0);
            stops.extend(hit.map(|(slot, _)| (delay, crate::sums::to_u32(slot))));
        }
        stops
    }

    fn synapse(source: u32, delay_ticks: u32, slot: u32) -> Synapse {
        Synapse { source, delay_ticks, slot, weight: -3 }
    }

    #[test]
    fn visits_every_synapse_at_its_delay_however_long() {
        let delays = [0, 0, 7, 65_535, 131_071, 200_000, u32::MAX];
        let synapses = delays.iter().zip(1..).map(|(&delay, slot)| synapse(1, delay, slot));
        let mut synapses: Vec<Synapse> = synapses.collect();
        synapses.reverse();
        let rows = Rows::new(3, synapses);
        let expected: Vec<_> = delays.iter().map(|&d| u64::from(d)).zip(1..).collect();
        assert_eq!(walk(&rows, 1), expected);
        assert!(walk(&rows, 0).is_empty() && walk(&rows, 2).is_empty());
        assert_eq!(rows.source_of(0), 1);
    }

    #[test]
    fn keeps_a_weight_and_its_sign() {
        for value in [-(1 << 23), -1, 0, 1, (1 << 23) - 1] {
            let mut words = Vec::new();
            let only = Synapse { source: 0, delay_ticks: 9, slot: 5, weight: value };
            pack_row(&[only], &mut words);
            assert_eq!((weight(words[0]), slot(words[0]), step_ticks(words[0])), (value, 5, 9));
        }
    }
}
