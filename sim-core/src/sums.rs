//! The exact sums of what arrives at a population in one tick (law 3), and how they lie in memory.
//!
//! Four neighbouring neurons make a *quad*, the unit of the vector loops. Populations that a
//! convolution or a winner-take-all reaches lie by place, channels innermost and padded to whole
//! quads, within a margin that takes what a kernel throws over the border; others lie flat. Sums
//! are all zero between ticks.

use crate::{
    calendar::{Delivery, Graded},
    connect::Emission,
};

/// Neurons in a quad.
pub(crate) const LANES: usize = 4;
const LANES_U32: u32 = 4;
const _: () = assert!(LANES_U32 as usize == LANES);

/// Where each neuron of a population lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// In index order.
    Flat { size: u32 },
    /// By place: [row, column, channel].
    Grid(Grid),
}

/// A [channels, height, width] population laid out by place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) channels: u32,
    pub(crate) height: u32,
    pub(crate) width: u32,
    /// Places outside the population that a kernel may write to.
    pub(crate) margin: Margin,
}

/// Places beyond each border.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Margin {
    pub(crate) top: u32,
    pub(crate) bottom: u32,
    pub(crate) left: u32,
    pub(crate) right: u32,
}

impl Margin {
    /// The larger of the two at each border.
    pub(crate) fn union(self, other: Self) -> Self {
        Self {
            top: self.top.max(other.top),
            bottom: self.bottom.max(other.bottom),
            left: self.left.max(other.left),
            right: self.right.max(other.right),
        }
    }
}

impl Grid {
    /// Quads at one place.
    pub(crate) fn quads_per_place(&self) -> usize {
        (self.channels as usize).div_ceil(LANES)
    }

    /// Places from one row to the next.
    pub(crate) fn pitch(&self) -> usize {
        (self.margin.left + self.width + self.margin.right) as usize
    }

    fn rows(&self) -> usize {
        (self.margin.top + self.height + self.margin.bottom) as usize
    }

    /// The first quad of a place within the population.
    pub(crate) fn quad_of_place(&self, y: u32, x: u32) -> usize {
        let row = (y + self.margin.top) as usize;
        (row * self.pitch() + (x + self.margin.left) as usize) * self.quads_per_place()
    }

    /// The place that holds a quad; `None` in the margin.
    pub(crate) fn place_of_quad(&self, quad: usize) -> Option<(u32, u32)> {
        let place = quad / self.quads_per_place();
        let y = (place / self.pitch()).checked_sub(self.margin.top as usize)?;
        let x = (place % self.pitch()).checked_sub(self.margin.left as usize)?;
        let inside = y < self.height as usize && x < self.width as usize;
        inside.then(|| (to_u32(y), to_u32(x)))
    }

    /// The neuron of a channel at a place.
    pub(crate) fn index(&self, channel: u32, y: u32, x: u32) -> u32 {
        (channel * self.height + y) * self.width + x
    }
}

impl Layout {
    /// Quads in all.
    pub(crate) fn quads(&self) -> usize {
        match self {
            Self::Flat { size } => (*size as usize).div_ceil(LANES),
            Self::Grid(grid) => grid.rows() * grid.pitch() * grid.quads_per_place(),
        }
    }

    /// Where a neuron's sum lies: its position in lanes.
    pub(crate) fn slot(&self, index: u32) -> u32 {
        match self {
            Self::Flat { .. } => index,
            Self::Grid(grid) => {
                let (place, x) = (index / grid.width, index % grid.width);
                let (channel, y) = (place / grid.height, place % grid.height);
                to_u32(grid.quad_of_place(y, x) * LANES) + channel
            }
        }
    }
}

impl Layout {
    /// The neuron whose sum lies in a slot; `None` in the margin and in padding.
    #[inline]
    pub(crate) fn neuron(&self, slot: u32) -> Option<u32> {
        match self {
            Self::Flat { size } => (slot < *size).then_some(slot),
            Self::Grid(grid) => {
                let (quad, lane) = (slot as usize / LANES, slot as usize % LANES);
                let (y, x) = grid.place_of_quad(quad)?;
                let channel = to_u32(quad % grid.quads_per_place() * LANES + lane);
                (channel < grid.channels).then(|| grid.index(channel, y, x))
            }
        }
    }
}

/// Narrows a size that the plan has bounded.
pub(crate) fn to_u32(value: usize) -> u32 {
    u32::try_from(value).expect("the plan bounds every population to 2^32 lanes")
}

/// The sums of one population, 32 bits where the plan's bound proves them enough.
#[derive(Clone, Debug)]
pub(crate) enum Quads {
    Narrow(Vec<[i32; LANES]>),
    Wide(Vec<[i64; LANES]>),
}

impl Quads {
    pub(crate) fn new(layout: &Layout, wide: bool) -> Self {
        if wide {
            Self::Wide(vec![[0; LANES]; layout.quads()])
        } else {
            Self::Narrow(vec![[0; LANES]; layout.quads()])
        }
    }

    /// Adds to one neuron.
    #[inline]
    pub(crate) fn add(&mut self, slot: u32, weight: i32, multiplicity: u32) {
        let (quad, lane) = (slot as usize / LANES, slot as usize % LANES);
        match self {
            Self::Narrow(quads) => {
                let multiplicity = multiplicity.cast_signed();
                quads[quad][lane] += weight * multiplicity;
            }
            Self::Wide(quads) => quads[quad][lane] += i64::from(weight) * i64::from(multiplicity),
        }
    }

    /// Adds a tick's deliveries.
    pub(crate) fn receive(&mut self, plain: &[Delivery], graded: &[Graded]) {
        match self {
            Self::Narrow(quads) => receive(quads.as_flattened_mut(), plain, graded),
            Self::Wide(quads) => receive(quads.as_flattened_mut(), plain, graded),
        }
    }

    /// Takes one neuron's sum and leaves zero.
    pub(crate) fn take_slot(&mut self, slot: u32) -> i64 {
        match self {
            Self::Narrow(quads) => {
                std::mem::take(&mut quads.as_flattened_mut()[slot as usize]).into()
            }
            Self::Wide(quads) => std::mem::take(&mut quads.as_flattened_mut()[slot as usize]),
        }
    }

    /// Takes the sums that aren't zero in some quads, as (slot, sum), and leaves zero.
    #[inline]
    pub(crate) fn take_each(
        &mut self,
        quads: impl Iterator<Item = u32>,
        each: impl FnMut(u32, i64),
    ) {
        match self {
            Self::Narrow(sums) => take_each(sums, quads, each),
            Self::Wide(sums) => take_each(sums, quads, each),
        }
    }

    /// Number of quads.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Narrow(sums) => sums.len(),
            Self::Wide(sums) => sums.len(),
        }
    }
}

fn receive<S: Lane>(sums: &mut [S], plain: &[Delivery], graded: &[Graded]) {
    for delivery in plain {
        sums[delivery.slot as usize].add(delivery.amount);
    }
    for delivery in graded {
        sums[delivery.slot as usize].add_graded(delivery.amount);
    }
}

/// Slots are first found and then taken, a block at a time: which are zero can't be foretold, and
/// a branch on it would cost more than all the rest.
#[inline]
fn take_each<S: Lane>(
    sums: &mut [[S; LANES]],
    mut quads: impl Iterator<Item = u32>,
    mut each: impl FnMut(u32, i64),
) {
    const BLOCK: usize = 64;
    let mut slots = [0; BLOCK * LANES];
    loop {
        let (mut looked_at, mut found) = (0, 0);
        for quad in quads.by_ref().take(BLOCK) {
            for (lane, sum) in (0..).zip(&sums[quad as usize]) {
                slots[found] = quad * LANES_U32 + lane;
                found += usize::from(*sum != S::default());
            }
            looked_at += 1;
        }
        for &slot in &slots[..found] {
            let sum = std::mem::take(&mut sums.as_flattened_mut()[slot as usize]);
            each(slot, sum.into());
        }
        if looked_at < BLOCK {
            return;
        }
    }
}

/// A sum's type.
trait Lane: Copy + Default + PartialEq + Into<i64> {
    fn add(&mut self, amount: i32);
    fn add_graded(&mut self, amount: i64);
}

impl Lane for i32 {
    #[inline]
    fn add(&mut self, amount: i32) {
        *self += amount;
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the plan's bound counts multiplicities")]
    fn add_graded(&mut self, amount: i64) {
        *self += amount as Self;
    }
}

impl Lane for i64 {
    #[inline]
    fn add(&mut self, amount: i32) {
        *self += Self::from(amount);
    }

    #[inline]
    fn add_graded(&mut self, amount: i64) {
        *self += amount;
    }
}

/// The quads that received something in this tick, each once.
#[derive(Clone, Debug)]
pub(crate) struct Touched {
    seen: Vec<u64>,
    list: Vec<u32>,
}

impl Touched {
    pub(crate) fn new(layout: &Layout) -> Self {
        Self { seen: vec![0; layout.quads().div_ceil(64)], list: Vec::new() }
    }

    #[inline]
    pub(crate) fn quad(&mut self, quad: u32) {
        let (word, bit) = (quad as usize / 64, 1_u64 << (quad % 64));
        if self.seen[word] & bit == 0 {
            self.seen[word] |= bit;
            self.list.push(quad);
        }
    }

    #[inline]
    pub(crate) fn slot(&mut self, slot: u32) {
        self.quad(slot / LANES_U32);
    }

    /// Forgets everything; the list is handed out for a last look.
    pub(crate) fn take(&mut self, into: &mut Vec<u32>) {
        for &quad in &self.list {
            self.seen[quad as usize / 64] = 0;
        }
        into.clear();
        std::mem::swap(&mut self.list, into);
    }
}

/// Sorts what a population fired into index order.
pub(crate) fn in_index_order(fired: &mut [Emission]) {
    if !fired.is_sorted() {
        fired.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_finds_its_places_again() {
        let margin = Margin { top: 2, bottom: 1, left: 3, right: 0 };
        let grid = Grid { channels: 5, height: 4, width: 6, margin };
        let layout = Layout::Grid(grid.clone());
        for index in 0..5 * 4 * 6 {
            let slot = layout.slot(index) as usize;
            let (y, x) = grid.place_of_quad(slot / LANES).expect("inside");
            let first = grid.quad_of_place(y, x) * LANES;
            assert_eq!(grid.index(to_u32(slot - first), y, x), index);
        }
        let inside = (0..layout.quads()).filter(|&quad| grid.place_of_quad(quad).is_some());
        assert_eq!(inside.count(), 4 * 6 * 2);
    }

    #[test]
    fn touches_each_quad_once() {
        let mut touched = Touched::new(&Layout::Flat { size: 400 });
        for slot in [8, 9, 11, 399, 8] {
            touched.slot(slot);
        }
        let mut list = Vec::new();
        touched.take(&mut list);
        assert_eq!(list, [2, 99]);
        touched.slot(8);
        touched.take(&mut list);
        assert_eq!(list, [2]);
    }
}
