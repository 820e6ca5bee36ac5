//! The exact sums of what arrives at a population in one tick (law 3), and how they lie in memory.
//!
//! Four neighbouring neurons make a *quad*, the unit of the vector loops. Populations that a
//! convolution or a winner-take-all reaches lie by place, channels innermost and padded to whole
//! quads, within a margin that takes what a kernel throws over the border; others lie flat. The
//! sums of a tick that has been run are all zero.

use std::ops::Range;

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

/// The sums of one population: a plane for every tick that deliveries may be made ahead, and in it
/// one after the other the sums of each receptor. 32 bits where the plan's bound proves them enough.
#[derive(Clone, Debug)]
pub(crate) struct Sums {
    store: Store,
    /// Quads of one receptor in one plane.
    quads: usize,
    receptors: usize,
    /// Number of planes, a power of two, less one.
    mask: u64,
    found: Found,
}

/// Memory of a block that is handed out.
#[derive(Clone, Debug, Default)]
struct Found {
    slots: Vec<u32>,
    sums: Vec<i64>,
}

#[derive(Clone, Debug)]
enum Store {
    Narrow(Vec<[i32; LANES]>),
    Wide(Vec<[i64; LANES]>),
}

/// Sums of one tick, or of one receptor in it.
pub(crate) enum Plane<'a> {
    Narrow(&'a mut [[i32; LANES]]),
    Wide(&'a mut [[i64; LANES]]),
}

/// Sums of one tick, lane by lane, receptor by receptor, with the lanes of one receptor.
pub(crate) enum Planes<'a> {
    Narrow((&'a mut [i32], usize)),
    Wide((&'a mut [i64], usize)),
}

/// Some neurons that received something, and what: so many that a call costs nothing.
pub(crate) struct Block<'a> {
    /// Where their sums lie \[lanes\].
    pub(crate) slots: &'a [u32],
    /// One sum a receptor, neuron by neuron \[quanta\].
    pub(crate) sums: &'a [i64],
}

impl Block<'_> {
    /// The most slots of a block.
    pub(crate) const SLOTS_MAX: usize = 256;
}

impl Sums {
    /// All zero. `planes` is a power of two.
    pub(crate) fn new(layout: &Layout, wide: bool, receptors: usize, planes: u64) -> Self {
        let quads = layout.quads();
        let all = quads * receptors * usize::try_from(planes).expect("planes are few");
        let store = if wide {
            Store::Wide(vec![[0; LANES]; all])
        } else {
            Store::Narrow(vec![[0; LANES]; all])
        };
        let found =
            Found { slots: vec![0; Block::SLOTS_MAX], sums: vec![0; Block::SLOTS_MAX * receptors] };
        Self { store, quads, receptors, mask: planes - 1, found }
    }

    /// Quads of one receptor in one plane.
    pub(crate) const fn quads(&self) -> usize {
        self.quads
    }

    pub(crate) const fn receptors(&self) -> usize {
        self.receptors
    }

    fn plane_of(&self, tick: u64) -> Range<usize> {
        let size = self.quads * self.receptors;
        let plane = usize::try_from(tick & self.mask).expect("planes are few");
        plane * size..(plane + 1) * size
    }

    /// The sums of one receptor in one tick.
    pub(crate) fn receptor(&mut self, tick: u64, receptor: u8) -> Plane<'_> {
        let first = self.plane_of(tick).start + usize::from(receptor) * self.quads;
        let quads = first..first + self.quads;
        match &mut self.store {
            Store::Narrow(sums) => Plane::Narrow(&mut sums[quads]),
            Store::Wide(sums) => Plane::Wide(&mut sums[quads]),
        }
    }

    /// All sums of one tick, receptor by receptor.
    pub(crate) fn plane(&mut self, tick: u64) -> Plane<'_> {
        let quads = self.plane_of(tick);
        match &mut self.store {
            Store::Narrow(sums) => Plane::Narrow(&mut sums[quads]),
            Store::Wide(sums) => Plane::Wide(&mut sums[quads]),
        }
    }

    /// The lanes of all receptors of one tick, and how many one receptor has.
    pub(crate) fn planes(&mut self, tick: u64) -> Planes<'_> {
        let (quads, lanes) = (self.plane_of(tick), self.quads * LANES);
        match &mut self.store {
            Store::Narrow(sums) => Planes::Narrow((sums[quads].as_flattened_mut(), lanes)),
            Store::Wide(sums) => Planes::Wide((sums[quads].as_flattened_mut(), lanes)),
        }
    }

    /// Lets deliveries be added to any tick that the planes reach.
    #[inline]
    pub(crate) fn ahead(&mut self) -> Ahead<'_> {
        let lanes = self.quads * self.receptors * LANES;
        let mask = self.mask;
        match &mut self.store {
            Store::Narrow(sums) => {
                Ahead::Narrow(Lanes { sums: sums.as_flattened_mut(), lanes, mask })
            }
            Store::Wide(sums) => Ahead::Wide(Lanes { sums: sums.as_flattened_mut(), lanes, mask }),
        }
    }

    /// Takes the sums of one neuron, and leaves zeros; whether any was another.
    pub(crate) fn take_neuron(&mut self, tick: u64, slot: u32, into: &mut [i64]) -> bool {
        let first = self.plane_of(tick).start * LANES + slot as usize;
        let stride = self.quads * LANES;
        let mut any = false;
        for (receptor, into) in into.iter_mut().enumerate() {
            let at = first + receptor * stride;
            *into = match &mut self.store {
                Store::Narrow(sums) => std::mem::take(&mut sums.as_flattened_mut()[at]).into(),
                Store::Wide(sums) => std::mem::take(&mut sums.as_flattened_mut()[at]),
            };
            any |= *into != 0;
        }
        any
    }

    /// Takes the neurons of some quads with a sum that isn't zero, and leaves zeros.
    pub(crate) fn take_each(
        &mut self,
        tick: u64,
        quads: impl Iterator<Item = u32>,
        each: impl FnMut(Block<'_>),
    ) {
        let (plane, size) = (self.plane_of(tick), self.quads);
        match &mut self.store {
            Store::Narrow(sums) => take_each(&mut sums[plane], size, &mut self.found, quads, each),
            Store::Wide(sums) => take_each(&mut sums[plane], size, &mut self.found, quads, each),
        }
    }

    /// Takes those of some neurons with a sum that isn't zero, and leaves zeros. No slot comes twice.
    pub(crate) fn take_slots(&mut self, tick: u64, slots: &[u32], each: impl FnMut(Block<'_>)) {
        let (plane, size) = (self.plane_of(tick), self.quads);
        match &mut self.store {
            Store::Narrow(sums) => take_slots(&mut sums[plane], size, &mut self.found, slots, each),
            Store::Wide(sums) => take_slots(&mut sums[plane], size, &mut self.found, slots, each),
        }
    }
}

impl Plane<'_> {
    /// Adds to one neuron.
    #[inline]
    pub(crate) fn add(&mut self, slot: u32, weight: i32, multiplicity: u32) {
        let (quad, lane) = (slot as usize / LANES, slot as usize % LANES);
        match self {
            Self::Narrow(quads) => quads[quad][lane] += weight * multiplicity.cast_signed(),
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
}

/// Sums of the ticks to come.
pub(crate) enum Ahead<'a> {
    Narrow(Lanes<'a, i32>),
    Wide(Lanes<'a, i64>),
}

/// Planes of lanes, by tick.
pub(crate) struct Lanes<'a, S> {
    sums: &'a mut [S],
    lanes: usize,
    mask: u64,
}

impl<S: Lane> Lanes<'_, S> {
    /// Adds to a slot of the plane of a tick.
    #[inline]
    pub(crate) fn add(&mut self, due: u64, slot: u32, amount: i32) {
        self.at(due, slot).add(amount);
    }

    /// The same where 32 bits might not hold the amount.
    #[inline]
    pub(crate) fn add_graded(&mut self, due: u64, slot: u32, amount: i64) {
        self.at(due, slot).add_graded(amount);
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "masked: planes are few")]
    fn at(&mut self, due: u64, slot: u32) -> &mut S {
        &mut self.sums[(due & self.mask) as usize * self.lanes + slot as usize]
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

fn take_each<S: Lane>(
    sums: &mut [[S; LANES]],
    size: usize,
    found: &mut Found,
    quads: impl Iterator<Item = u32>,
    each: impl FnMut(Block<'_>),
) {
    match found.sums.len() / Block::SLOTS_MAX {
        1 => take_blocks::<S, 1>(sums, size, found, quads, each),
        2 => take_blocks::<S, 2>(sums, size, found, quads, each),
        receptors => take_blocks_of_many(sums, (size, receptors), found, quads, each),
    }
}

/// Slots are first found and then taken, a block at a time: which are zero can't be foretold, and
/// a branch on it would cost more than all the rest.
#[inline]
fn take_blocks<S: Lane, const RECEPTORS: usize>(
    sums: &mut [[S; LANES]],
    size: usize,
    Found { slots, sums: taken }: &mut Found,
    mut quads: impl Iterator<Item = u32>,
    mut each: impl FnMut(Block<'_>),
) {
    let mut is_more = true;
    while is_more {
        let mut found = 0;
        is_more = false;
        for quad in quads.by_ref() {
            let mut any = [false; LANES];
            for receptor in 0..RECEPTORS {
                for (any, sum) in any.iter_mut().zip(&sums[receptor * size + quad as usize]) {
                    *any |= *sum != S::default();
                }
            }
            for (lane, any) in (0..).zip(any) {
                slots[found] = quad * LANES_U32 + lane;
                found += usize::from(any);
            }
            if found > Block::SLOTS_MAX - LANES {
                is_more = true;
                break;
            }
        }
        let lanes = sums.as_flattened_mut();
        for (&slot, taken) in slots[..found].iter().zip(taken.chunks_exact_mut(RECEPTORS)) {
            for (receptor, taken) in taken.iter_mut().enumerate() {
                let sum = &mut lanes[receptor * size * LANES + slot as usize];
                *taken = std::mem::take(sum).into();
            }
        }
        if found > 0 {
            each(Block { slots: &slots[..found], sums: &taken[..found * RECEPTORS] });
        }
    }
}

/// The same for more receptors than are worth a version of their own.
fn take_blocks_of_many<S: Lane>(
    sums: &mut [[S; LANES]],
    (size, receptors): (usize, usize),
    found: &mut Found,
    quads: impl Iterator<Item = u32>,
    mut each: impl FnMut(Block<'_>),
) {
    for quad in quads {
        let slots = std::array::from_fn::<u32, LANES, _>(|lane| quad * LANES_U32 + to_u32(lane));
        take_slots_of(sums, (size, receptors), found, &slots, &mut each);
    }
}

fn take_slots<S: Lane>(
    sums: &mut [[S; LANES]],
    size: usize,
    found: &mut Found,
    slots: &[u32],
    mut each: impl FnMut(Block<'_>),
) {
    let receptors = found.sums.len() / Block::SLOTS_MAX;
    for slots in slots.chunks(Block::SLOTS_MAX) {
        match receptors {
            1 => take_slots_of(sums, (size, 1), found, slots, &mut each),
            2 => take_slots_of(sums, (size, 2), found, slots, &mut each),
            _ => take_slots_of(sums, (size, receptors), found, slots, &mut each),
        }
    }
}

/// At most a block of slots.
#[inline(always)]
fn take_slots_of<S: Lane>(
    sums: &mut [[S; LANES]],
    (size, receptors): (usize, usize),
    found: &mut Found,
    slots: &[u32],
    each: &mut impl FnMut(Block<'_>),
) {
    let lanes = sums.as_flattened_mut();
    let mut count = 0;
    for &slot in slots {
        let mut any = false;
        let taken = &mut found.sums[count * receptors..][..receptors];
        for (receptor, taken) in taken.iter_mut().enumerate() {
            *taken = std::mem::take(&mut lanes[receptor * size * LANES + slot as usize]).into();
            any |= *taken != 0;
        }
        found.slots[count] = slot;
        count += usize::from(any);
    }
    if count > 0 {
        each(Block { slots: &found.slots[..count], sums: &found.sums[..count * receptors] });
    }
}

/// A sum's type.
pub(crate) trait Lane: Copy + Default + PartialEq + Into<i64> {
    /// Exact where it has 32 bits.
    fn to_f64(self) -> f64;
    fn add(&mut self, amount: i32);
    fn add_graded(&mut self, amount: i64);
}

impl Lane for i32 {
    #[inline]
    fn to_f64(self) -> f64 {
        self.into()
    }

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
    fn to_f64(self) -> f64 {
        self as f64
    }

    #[inline]
    fn add(&mut self, amount: i32) {
        *self += Self::from(amount);
    }

    #[inline]
    fn add_graded(&mut self, amount: i64) {
        *self += amount;
    }
}

/// What received something in this tick, each once: neurons where they lie flat, quads in a grid.
#[derive(Clone, Debug)]
pub(crate) struct Touched {
    seen: Vec<u64>,
    list: Vec<u32>,
    /// Lanes of one receptor.
    lanes: u32,
    /// Quads, not neurons, are told apart.
    by_quad: bool,
}

impl Touched {
    pub(crate) fn new(layout: &Layout) -> Self {
        let lanes = layout.quads() * LANES;
        let by_quad = matches!(layout, Layout::Grid(_));
        let bits = if by_quad { layout.quads() } else { lanes };
        Self { seen: vec![0; bits.div_ceil(64)], list: Vec::new(), lanes: to_u32(lanes), by_quad }
    }

    /// A quad of a grid.
    #[inline]
    pub(crate) fn quad(&mut self, quad: u32) {
        debug_assert!(self.by_quad, "neurons that lie flat are told apart");
        self.mark(quad);
    }

    /// A slot of any receptor.
    #[inline]
    pub(crate) fn slot(&mut self, slot: u32) {
        let slot = if slot < self.lanes { slot } else { slot % self.lanes };
        self.mark(if self.by_quad { slot / LANES_U32 } else { slot });
    }

    #[inline]
    fn mark(&mut self, what: u32) {
        let (word, bit) = (what as usize / 64, 1_u64 << (what % 64));
        if self.seen[word] & bit == 0 {
            self.seen[word] |= bit;
            self.list.push(what);
        }
    }

    /// Whether quads are told apart, not neurons.
    pub(crate) const fn is_by_quad(&self) -> bool {
        self.by_quad
    }

    /// Forgets everything; the list is handed out for a last look.
    pub(crate) fn take(&mut self, into: &mut Vec<u32>) {
        for &what in &self.list {
            self.seen[what as usize / 64] = 0;
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
    fn touches_each_neuron_or_quad_once() {
        let grid = Grid { channels: 4, height: 10, width: 10, margin: Margin::default() };
        let layouts = [Layout::Flat { size: 400 }, Layout::Grid(grid)];
        for (layout, expected) in layouts.iter().zip([vec![8, 9, 399], vec![2, 99]]) {
            let mut touched = Touched::new(layout);
            // Of a second receptor, too.
            for slot in [8, 9, 399, 8, 408, 799] {
                touched.slot(slot);
            }
            let mut list = Vec::new();
            touched.take(&mut list);
            assert_eq!(list, expected);
            touched.slot(8);
            touched.take(&mut list);
            assert_eq!(list, expected[..1]);
        }
    }
}
