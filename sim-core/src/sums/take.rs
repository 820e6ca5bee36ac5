//! Takes the sums that aren't zero, and leaves zeros: in blocks, so that what is done with them is
//! a loop.

use super::{
    Lane,
    layout::{LANES, LANES_U32, to_u32},
};

/// Memory of a block that is handed out.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) slots: Vec<u32>,
    pub(super) sums: Vec<i64>,
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

pub(super) fn take_each<S: Lane>(
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

pub(super) fn take_slots<S: Lane>(
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
