//! Explicit synapses in compressed rows, one row a source, in delay order, 8 bytes a synapse.
//!
//! ```text
//! | weight \[quanta\], i24 | delay since the synapse before \[ticks\], u16 | target slot, u24 |
//! ```
//!
//! A delay step beyond 16 bits is a word of its own: target slot all ones, the step in the upper
//! 40 bits.
//!
//! A spike in flight is one cursor into its row. It reads a window ahead at each stop and
//! leaves the deliveries at the target, in the buckets of their ticks; it stays in flight until the
//! tick of its last delivery has been run. How long windows are changes no result.

use super::Emission;
use crate::calendar::{Arrivals, Delivery, Graded, REACH};

const TARGET_BITS: u32 = 24;
const STEP_BITS: u32 = 16;
const TARGET_MASK: u64 = (1 << TARGET_BITS) - 1;
/// In place of a target: the rest of the word is a long delay step.
const GAP: u64 = TARGET_MASK;
/// Synapses that a visit should find in a row of mean density: a few cache lines.
const VISIT_SYNAPSES: u64 = 64;
/// The shortest window. Of 16 to 256 ticks, 32 and 64 were the fastest for rows with 2 synapses a
/// tick (bench `explicit_rows`): shorter ones wait for memory, longer ones fill the cache.
const WINDOW_TICKS_MIN: u64 = 64;
/// Up to this multiplicity, times a weight of 24 bits, an amount fits 32 bits.
const PLAIN_MULTIPLICITY_MAX: u32 = 255;
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
    /// How far ahead a visit reads.
    window_ticks: u64,
}

/// A spike on its way along its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The next word; at the row's end, the spike waits for its last delivery only.
    at: u32,
    pub(crate) source: u32,
    pub(crate) multiplicity: u32,
    pub(crate) projection: u16,
    /// When the spike was emitted \[ticks\].
    pub(crate) emitted: u64,
    /// The tick that the words before `at` lead to.
    reached: u64,
}

impl Rows {
    /// Packs synapses, in any order, of `sources` sources.
    pub(crate) fn new(sources: u32, mut synapses: Vec<Synapse>) -> Self {
        synapses.sort_unstable();
        let mut starts = Vec::with_capacity(sources as usize + 1);
        let mut words = Vec::with_capacity(synapses.len());
        let (mut rest, mut span_ticks) = (synapses.as_slice(), 0);
        for source in 0..sources {
            starts.push(word_count(&words));
            let row = rest.partition_point(|synapse| synapse.source == source);
            let (row, others) = rest.split_at(row);
            pack_row(row, &mut words);
            span_ticks +=
                row.last().map_or(0, |last| u64::from(last.delay_ticks - row[0].delay_ticks));
            rest = others;
        }
        starts.push(word_count(&words));
        words.shrink_to_fit();
        let synapses = synapses.len() as u64;
        Self { starts, words, synapses, window_ticks: window_ticks(synapses, span_ticks) }
    }

    pub(crate) fn synapses(&self) -> u64 {
        self.synapses
    }

    pub(crate) fn bytes(&self) -> u64 {
        (size_of_val(self.words.as_slice()) + size_of_val(self.starts.as_slice())) as u64
    }

    /// A spike at the start of its row.
    pub(crate) fn depart(&self, emission: Emission, projection: u16, emitted: u64) -> Cursor {
        let Emission { index: source, multiplicity } = emission;
        let at = self.starts[source as usize];
        Cursor { at, source, multiplicity, projection, emitted, reached: emitted }
    }

    /// Makes the deliveries that are due within a window from the cursor's stop. Returns the
    /// cursor with its next stop: the first synapse beyond the window or, at the end of the row,
    /// the last delivery made. A spike whose next stop is this one has made its last.
    #[inline]
    pub(crate) fn visit(&self, cursor: Cursor, tick: u64, to: &mut Arrivals) -> (Cursor, u64) {
        let until = tick.saturating_add(self.window_ticks);
        if cursor.multiplicity <= PLAIN_MULTIPLICITY_MAX {
            let multiplicity = cursor.multiplicity.cast_signed();
            self.walk(cursor, until, |due, word| {
                let amount = weight(word) * multiplicity;
                to.plain.push(due, Delivery { slot: slot(word), amount });
            })
        } else {
            let multiplicity = i64::from(cursor.multiplicity);
            self.walk(cursor, until, |due, word| {
                let amount = i64::from(weight(word)) * multiplicity;
                to.graded.push(due, Graded { slot: slot(word), amount });
            })
        }
    }

    /// Passes over what was due before a tick, for a spike that a snapshot found on its way.
    pub(crate) fn skip(&self, cursor: Cursor, until: u64) -> (Cursor, u64) {
        self.walk(cursor, until, |_, _| ())
    }

    /// Hands out the synapses that are due before a tick, as (tick, word); returns the cursor
    /// after them, and the tick of the synapse there or, at the end of the row, of the last one.
    #[inline]
    fn walk(
        &self,
        mut cursor: Cursor,
        until: u64,
        mut each: impl FnMut(u64, u64),
    ) -> (Cursor, u64) {
        let end = self.starts[cursor.source as usize + 1];
        for &word in &self.words[cursor.at as usize..end as usize] {
            let is_gap = word & TARGET_MASK == GAP;
            let ticks = if is_gap { word >> TARGET_BITS } else { step_ticks(word) };
            let due = cursor.reached.saturating_add(ticks);
            if due >= until {
                return (cursor, due);
            }
            cursor.at += 1;
            cursor.reached = due;
            if !is_gap {
                each(due, word);
            }
        }
        (cursor, cursor.reached)
    }
}

/// The sparser in time, the longer: so much lies in the buckets ahead in any case.
fn window_ticks(synapses: u64, span_ticks: u64) -> u64 {
    let ticks = span_ticks.saturating_mul(VISIT_SYNAPSES) / synapses.max(1);
    ticks.clamp(WINDOW_TICKS_MIN, REACH)
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

    /// Walks a row to its end: (delay, slot) of every delivery.
    fn walk(rows: &Rows, source: u32) -> Vec<(u64, u32)> {
        let mut arrivals = Arrivals::new();
        let mut deliveries = Vec::new();
        let mut cursor = rows.depart(Emission { index: source, multiplicity: 1 }, 0, 0);
        let mut tick = 0;
        loop {
            let (onward, stop) = rows.visit(cursor, tick, &mut arrivals);
            while let Some(due) = arrivals.next_due(tick).filter(|&due| due <= stop) {
                let bucket = arrivals.plain.take(due);
                deliveries.extend(bucket.iter().map(|delivery| (due, delivery.slot)));
            }
            if stop == tick {
                return deliveries;
            }
            (cursor, tick) = (onward, stop);
        }
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
    }

    #[test]
    fn makes_the_same_deliveries_for_any_multiplicity() {
        let synapses = (0..200).map(|at| Synapse { weight: -(1 << 23), ..synapse(0, at * 3, at) });
        let rows = Rows::new(1, synapses.collect());
        for multiplicity in [1, PLAIN_MULTIPLICITY_MAX, PLAIN_MULTIPLICITY_MAX + 1, u32::MAX] {
            let mut arrivals = Arrivals::new();
            let cursor = rows.depart(Emission { index: 0, multiplicity }, 0, 7);
            let (_, stop) = rows.visit(cursor, 7, &mut arrivals);
            for (slot, due) in (0..).zip((7..stop).step_by(3)) {
                let plain = arrivals.plain.take(due).into_iter();
                let plain = plain.map(|Delivery { slot, amount }| (slot, i64::from(amount)));
                let graded = arrivals.graded.take(due).into_iter();
                let found: Vec<_> =
                    plain.chain(graded.map(|Graded { slot, amount }| (slot, amount))).collect();
                let amount = -(1 << 23) * i64::from(multiplicity);
                assert_eq!(found, [(slot, amount)]);
            }
            assert!(stop >= 7 + rows.window_ticks && arrivals.next_due(7).is_none());
        }
    }

    /// Seen to fail with a cursor that is forgotten once it has read its row.
    #[test]
    fn stays_in_flight_until_the_tick_of_the_last_delivery() {
        let rows = Rows::new(1, vec![synapse(0, 0, 1), synapse(0, 5, 2)]);
        let cursor = rows.depart(Emission { index: 0, multiplicity: 1 }, 0, 10);
        let mut arrivals = Arrivals::new();
        let (cursor, stop) = rows.visit(cursor, 10, &mut arrivals);
        assert_eq!((stop, arrivals.plain.due(10), arrivals.plain.due(15)), (15, 1, 1));
        let (_, stop) = rows.visit(cursor, 15, &mut arrivals);
        assert_eq!((stop, arrivals.plain.due(15)), (15, 1));
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
