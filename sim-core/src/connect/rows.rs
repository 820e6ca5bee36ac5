//! Rows of synapses: one row a source, in delay order, 8 bytes a synapse.
//!
//! A spike in flight is one cursor into its row. It reads a window ahead at each stop and leaves
//! what it finds at the target: in the sums of its tick, or in its bucket. How long windows are
//! changes no result. Rows of one delay for all need no cursor: they are read when they are due.

mod word;

pub(crate) use word::{SLOT_MAX, Synapse};
use word::{
    STEP_BITS, encode, gap_ticks, is_gap, pack_row, slot, sortable, step_ticks, weight,
    with_weight, word_count,
};

use super::{
    Emission, prefetch,
    strength::{Strength, Unit},
};
use crate::{
    calendar::{Arrivals, Delivery, Graded, REACH},
    sums::{Lane, Lanes, Plane, Touched},
};

/// Synapses that a visit should find in a row of mean density: a few cache lines.
const VISIT_SYNAPSES: u64 = 64;
/// The shortest window into buckets. Of 16 to 256 ticks, 32 and 64 were the fastest for rows with 2
/// synapses a tick (bench `explicit_rows`): shorter ones wait for memory, longer ones fill the cache.
const WINDOW_TICKS_MIN: u64 = 64;

#[derive(Clone, Debug)]
pub(crate) struct Rows {
    /// Row of source i: words `starts[i]..starts[i + 1]`.
    starts: Vec<u32>,
    words: Vec<u64>,
    synapses: u64,
    /// The only delay there is, where there is one only.
    uniform: Vec<u32>,
    /// How far ahead a visit reads.
    window_ticks: u64,
    /// What multiplicities count.
    unit: Unit,
}

/// A spike on its way along its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The next word.
    at: u32,
    source: u32,
    multiplicity: u32,
    pub(crate) projection: u16,
    /// The tick that the words before `at` lead to.
    reached: u64,
}

/// What a visit of a row leaves to do.
pub(crate) struct Visit {
    /// The tick of the last delivery made.
    pub(crate) reached: u64,
    /// The cursor with its next stop, the first synapse beyond the window, if there is one.
    pub(crate) next: Option<(Cursor, u64)>,
}

/// Takes deliveries that are made ahead.
pub(crate) trait Sink {
    fn plain(&mut self, due: u64, slot: u32, amount: i32);
    fn graded(&mut self, due: u64, slot: u32, amount: i64);
}

impl Sink for Arrivals {
    #[inline]
    fn plain(&mut self, due: u64, slot: u32, amount: i32) {
        self.plain.push(due, Delivery { slot, amount });
    }

    #[inline]
    fn graded(&mut self, due: u64, slot: u32, amount: i64) {
        self.graded.push(due, Graded { slot, amount });
    }
}

impl<S: Lane> Sink for Lanes<'_, S> {
    #[inline]
    fn plain(&mut self, due: u64, slot: u32, amount: i32) {
        self.add(due, slot, amount);
    }

    #[inline]
    fn graded(&mut self, due: u64, slot: u32, amount: i64) {
        self.add_graded(due, slot, amount);
    }
}

impl Rows {
    /// Packs the synapses of `sources` sources. `pairs` names the source of each synapse, `all` the
    /// synapses themselves, both in any order: rows are counted first and then filled in place.
    pub(crate) fn new(
        sources: u32,
        delay_ticks_max: u64,
        pairs: impl FnOnce(&mut dyn FnMut(u32)),
        all: impl FnOnce(&mut dyn FnMut(Synapse)),
    ) -> Self {
        if delay_ticks_max >> STEP_BITS > 0 {
            let mut synapses = Vec::new();
            all(&mut |synapse| synapses.push(synapse));
            return Self::with_gaps(sources, synapses);
        }
        let mut counts = vec![0_u32; sources as usize + 1];
        pairs(&mut |source| counts[source as usize + 1] += 1);
        for source in 0..sources as usize {
            counts[source + 1] += counts[source];
        }
        let mut ends = counts.clone();
        let mut words = vec![0; counts[sources as usize] as usize];
        all(&mut |synapse| {
            let end = &mut ends[synapse.source as usize];
            words[*end as usize] = sortable(synapse);
            *end += 1;
        });
        let mut span_ticks = 0;
        for row in counts.windows(2) {
            let row = &mut words[row[0] as usize..row[1] as usize];
            row.sort_unstable();
            span_ticks += encode(row);
        }
        let synapses = words.len() as u64;
        Self::of(counts, words, synapses, span_ticks)
    }

    /// The same where a delay may be longer than a word can say.
    fn with_gaps(sources: u32, mut synapses: Vec<Synapse>) -> Self {
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
        Self::of(starts, words, synapses.len() as u64, span_ticks)
    }

    fn of(starts: Vec<u32>, words: Vec<u64>, synapses: u64, span_ticks: u64) -> Self {
        let window_ticks = window_ticks(synapses, span_ticks);
        let (uniform, unit) = (Vec::new(), Unit::default());
        let mut rows = Self { starts, words, synapses, uniform, window_ticks, unit };
        let mut delays = (0..rows.sources()).filter_map(|source| rows.delays(source));
        let first = delays.next();
        let same = |&(shortest, longest): &(u64, u64)| {
            first.is_some_and(|(delay, _)| shortest == delay && longest == delay)
        };
        if first.is_some_and(|first| same(&first)) && delays.all(|delays| same(&delays)) {
            let delay = first.map(|(delay, _)| u32::try_from(delay).expect("a delay has 32 bits"));
            rows.uniform = delay.into_iter().collect();
        }
        rows
    }

    /// The same synapses for emissions that count something else.
    pub(crate) fn counting(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    /// Makes cursors read so far ahead at each stop.
    pub(crate) fn set_window(&mut self, ticks: u64) {
        self.window_ticks = ticks;
    }

    fn sources(&self) -> u32 {
        word_count(&self.starts) - 1
    }

    /// The shortest and the longest delay of a source; `None` if it has no synapse.
    pub(crate) fn delays(&self, source: u32) -> Option<(u64, u64)> {
        let row = self.row(source);
        let step = |word: u64| if is_gap(word) { gap_ticks(word) } else { step_ticks(word) };
        let mut shortest = None;
        let mut longest = 0;
        for &word in row {
            longest += step(word);
            if !is_gap(word) {
                shortest.get_or_insert(longest);
            }
        }
        shortest.map(|shortest| (shortest, longest))
    }

    /// Raises the longest delay of each source to its own.
    pub(crate) fn raise_longest(&self, longest_ticks: &mut Vec<Option<u32>>) {
        longest_ticks.resize(self.sources() as usize, None);
        for (source, longest) in (0..).zip(longest_ticks) {
            let own = self.delays(source).map(|(_, longest)| longest);
            *longest = (*longest).max(own.map(|own| u32::try_from(own).expect("32 bits")));
        }
    }

    /// The delay of all synapses, if they have the same.
    pub(crate) fn delays_ticks(&self) -> &[u32] {
        &self.uniform
    }

    pub(crate) fn synapses(&self) -> u64 {
        self.synapses
    }

    /// Synapses of a source, on average, rounded up.
    pub(crate) fn mean_row(&self) -> u64 {
        self.synapses.div_ceil(u64::from(self.sources().max(1)))
    }

    pub(crate) fn bytes(&self) -> u64 {
        (size_of_val(self.words.as_slice()) + size_of_val(self.starts.as_slice())) as u64
    }

    #[inline]
    fn row(&self, source: u32) -> &[u64] {
        let source = source as usize;
        &self.words[self.starts[source] as usize..self.starts[source + 1] as usize]
    }

    /// A row without the gap that may lead to its only delay.
    #[inline]
    fn row_of_one_delay(&self, source: u32) -> &[u64] {
        match self.row(source) {
            [first, rest @ ..] if is_gap(*first) => rest,
            row => row,
        }
    }

    /// Synapses of a source.
    pub(crate) fn row_synapses(&self, source: u32) -> u64 {
        let row = self.row(source);
        if self.words.len() as u64 == self.synapses {
            return row.len() as u64;
        }
        row.iter().filter(|&&word| !is_gap(word)).count() as u64
    }

    /// Names the synapses of a source in the order of its row, as (delay, slot, weight).
    pub(crate) fn each_synapse(&self, source: u32, mut each: impl FnMut(u32, u32, i32)) {
        let mut delay_ticks = 0;
        for &word in self.row(source) {
            if is_gap(word) {
                delay_ticks += gap_ticks(word);
            } else {
                delay_ticks += step_ticks(word);
                let delay_ticks = u32::try_from(delay_ticks).expect("a delay has 32 bits");
                each(delay_ticks, slot(word), weight(word));
            }
        }
    }

    /// How many synapses a source has here.
    pub(crate) fn synapses_of(&self, source: u32) -> usize {
        let source = source as usize;
        let row = self.starts[source] as usize..self.starts[source + 1] as usize;
        self.words[row].iter().filter(|word| !is_gap(**word)).count()
    }

    /// Gives synapse after synapse of a source another weight \[quanta\], of 24 bits.
    pub(crate) fn set_weights(&mut self, source: u32, mut weights: impl Iterator<Item = i32>) {
        let source = source as usize;
        let row = self.starts[source] as usize..self.starts[source + 1] as usize;
        for word in self.words[row].iter_mut().filter(|word| !is_gap(**word)) {
            *word = with_weight(*word, weights.next().expect("one for each synapse"));
        }
    }

    /// Makes all deliveries of sources with one delay for all; returns how many.
    pub(crate) fn deliver(&self, emissions: &[Emission], sums: Plane<'_>) -> u64 {
        match sums {
            Plane::Narrow(quads) => self.deliver_into(emissions, quads.as_flattened_mut()),
            Plane::Wide(quads) => self.deliver_into(emissions, quads.as_flattened_mut()),
        }
    }

    fn deliver_into<S: Lane>(&self, emissions: &[Emission], sums: &mut [S]) -> u64 {
        let mut delivered = 0;
        for emission in emissions {
            let row = self.row_of_one_delay(emission.index);
            match self.unit.strength(emission.multiplicity) {
                Strength::Few(times) => {
                    for &word in row {
                        sums[slot(word) as usize].add(weight(word) * times);
                    }
                }
                Strength::Many(times) => {
                    for &word in row {
                        sums[slot(word) as usize].add_graded(i64::from(weight(word)) * times);
                    }
                }
                Strength::Part(part) => {
                    for &word in row {
                        sums[slot(word) as usize].add(part.of(weight(word)));
                    }
                }
            }
            delivered += row.len() as u64;
        }
        delivered
    }

    /// Names what [`Self::deliver`] touches.
    pub(crate) fn touch(&self, emissions: &[Emission], touched: &mut Touched) {
        for emission in emissions {
            let row = self.row_of_one_delay(emission.index);
            row.iter().for_each(|&word| touched.slot(slot(word)));
        }
    }

    /// A spike at the start of its row.
    pub(crate) fn depart(&self, emission: Emission, projection: u16, emitted: u64) -> Cursor {
        let Emission { index: source, multiplicity } = emission;
        let at = self.starts[source as usize];
        Cursor { at, source, multiplicity, projection, reached: emitted }
    }

    /// Makes the deliveries that are due from a tick on within a window.
    #[inline]
    pub(crate) fn visit(&self, cursor: Cursor, tick: u64, to: &mut impl Sink) -> Visit {
        let until = tick.saturating_add(self.window_ticks);
        match self.unit.strength(cursor.multiplicity) {
            Strength::Few(times) => self.walk(cursor, until, |due, word| {
                to.plain(due, slot(word), weight(word) * times);
            }),
            Strength::Many(times) => self.walk(cursor, until, |due, word| {
                to.graded(due, slot(word), i64::from(weight(word)) * times);
            }),
            Strength::Part(part) => self.walk(cursor, until, |due, word| {
                to.plain(due, slot(word), part.of(weight(word)));
            }),
        }
    }

    /// Has the memory fetched that a visit will read.
    #[inline]
    pub(crate) fn prefetch(&self, cursor: Cursor) {
        let end = self.starts[cursor.source as usize + 1];
        prefetch::begin(&self.words[cursor.at as usize..end as usize]);
    }

    /// Passes over what is due before a tick: where the cursor stands then, and when it must stop
    /// next.
    pub(crate) fn skip(&self, cursor: Cursor, until: u64) -> Option<(Cursor, u64)> {
        self.walk(cursor, until, |_, _| ()).next
    }

    /// Hands out the synapses that are due before a tick, as (tick, word).
    #[inline]
    fn walk(&self, cursor: Cursor, until: u64, mut each: impl FnMut(u64, u64)) -> Visit {
        let end = self.starts[cursor.source as usize + 1];
        let mut reached = cursor.reached;
        for (at, &word) in (cursor.at..end).zip(&self.words[cursor.at as usize..end as usize]) {
            let is_gap = is_gap(word);
            let ticks = if is_gap { gap_ticks(word) } else { step_ticks(word) };
            let due = reached.saturating_add(ticks);
            if due >= until {
                return Visit { reached, next: Some((Cursor { at, reached, ..cursor }, due)) };
            }
            reached = due;
            if !is_gap {
                each(due, word);
            }
        }
        Visit { reached, next: None }
    }
}

/// The sparser in time, the longer: so much lies in the buckets ahead in any case.
fn window_ticks(synapses: u64, span_ticks: u64) -> u64 {
    let ticks = span_ticks.saturating_mul(VISIT_SYNAPSES) / synapses.max(1);
    ticks.clamp(WINDOW_TICKS_MIN, REACH)
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
