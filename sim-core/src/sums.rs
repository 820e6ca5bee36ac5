//! The exact sums of what arrives at a population in one tick (law 3). The sums of a tick that has
//! been run are all zero.

mod layout;
mod take;
mod touched;

use std::ops::Range;

pub(crate) use layout::{Grid, LANES, Layout, Margin, to_u32};
pub(crate) use take::Block;
use take::Found;
pub(crate) use touched::Touched;

use crate::{
    calendar::{Delivery, Graded},
    connect::Emission,
};

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
            Store::Narrow(sums) => {
                take::take_each(&mut sums[plane], size, &mut self.found, quads, each)
            }
            Store::Wide(sums) => {
                take::take_each(&mut sums[plane], size, &mut self.found, quads, each)
            }
        }
    }

    /// Takes those of some neurons with a sum that isn't zero, and leaves zeros. No slot comes twice.
    pub(crate) fn take_slots(&mut self, tick: u64, slots: &[u32], each: impl FnMut(Block<'_>)) {
        let (plane, size) = (self.plane_of(tick), self.quads);
        match &mut self.store {
            Store::Narrow(sums) => {
                take::take_slots(&mut sums[plane], size, &mut self.found, slots, each)
            }
            Store::Wide(sums) => {
                take::take_slots(&mut sums[plane], size, &mut self.found, slots, each)
            }
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

/// Sorts what a population fired into index order.
pub(crate) fn in_index_order(fired: &mut [Emission]) {
    if !fired.is_sorted() {
        fired.sort_unstable();
    }
}
