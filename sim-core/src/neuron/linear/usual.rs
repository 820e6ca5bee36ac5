//! What happens to most neurons most of the time, without a branch that can't be foretold.
//!
//! Two kinds of populations of equal neurons have a way of their own: those with a leak whose
//! receptors all feed exponential currents, and those with a leak and without currents. Their
//! neurons that received something, were last re-based at a whole tick not long ago, and don't
//! fire, are brought to the tick here. All others are named and left as they were.
//!
//! The operations are those of [`Cell::arrive`] in the same order, so the bits are the same.

use super::{
    Cell, Linear, Watch,
    course::stride,
    parameters::{ModeKind, lift},
};
use crate::sums::Block;

/// Neurons in a column.
const WIDTH: usize = 64;

/// Which way a parameter set has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Receptor i feeds state i, an exponential current.
    Currents,
    /// The only receptor moves v itself, and there are no states.
    Jumps,
    /// None of its own.
    Other,
}

/// What arrived at a tick: the neurons, each once, and their sums, one a receptor \[quanta\].
#[derive(Clone, Copy)]
pub(crate) struct Arrived<'a> {
    pub(crate) tick: u64,
    pub(crate) neurons: &'a [u32],
    pub(crate) sums: &'a [i64],
}

/// Positions in what arrived that want another look.
pub(crate) struct Others {
    left: Positions,
    used_up: Positions,
}

/// A list that is filled without branches.
struct Positions {
    list: [u16; Block::SLOTS_MAX],
    count: usize,
}

impl Positions {
    const fn none() -> Self {
        Self { list: [0; Block::SLOTS_MAX], count: 0 }
    }

    #[inline(always)]
    fn push_if(&mut self, position: u16, is_one: bool) {
        // At most one a neuron of a block: the mask changes nothing but spares a check.
        self.list[self.count % Block::SLOTS_MAX] = position;
        self.count += usize::from(is_one);
    }
}

impl Others {
    /// Nothing was done: what arrived is out of the ordinary.
    pub(crate) fn left(&self) -> &[u16] {
        &self.left.list[..self.left.count]
    }

    /// They may cross before they are called.
    pub(crate) fn used_up(&self) -> &[u16] {
        &self.used_up.list[..self.used_up.count]
    }
}

impl Linear {
    /// Which way these parameters have, where neurons share them.
    pub(crate) fn way(&self) -> Way {
        let states = self.all_states();
        let is_fed = |(receptor, mode): (usize, &super::parameters::Mode)| {
            mode.kind == ModeKind::Exponential && mode.receptor == receptor
        };
        let feeds_all = self.deltas().is_empty() && states.iter().enumerate().all(is_fed);
        match (states.len(), self.deltas().len()) {
            _ if !self.leaks() || !self.has_tables() => Way::Other,
            (0, 1) => Way::Jumps,
            (1.., 0) if feeds_all => Way::Currents,
            _ => Way::Other,
        }
    }
}

/// Neurons whose way is [`Way::Currents`] and that have watches; at most a block.
#[inline]
pub(crate) fn currents<const N: usize>(
    linear: &Linear,
    Arrived { tick, neurons, sums }: Arrived<'_>,
    cells: &mut [Cell<N>],
    watches: &mut [Watch],
) -> Others {
    let mut others = Others { left: Positions::none(), used_up: Positions::none() };
    let (rows, settled_mv) = (&*linear.rows, linear.settled_mv);
    let kicks_mv = linear.states::<N>().each_ref().map(|mode| mode.kick_mv);
    let lifts_mv: [f64; N] = std::array::from_fn(|receptor| linear.lifts_mv()[receptor]);
    let sums = sums.chunks_exact(N.max(1)).filter_map(|sums| sums.first_chunk::<N>());
    let arrived = neurons.iter().zip(sums);
    for (position, (&neuron, sums)) in (0_u16..).zip(arrived) {
        let (cell, watch) = (&mut cells[neuron as usize], &mut watches[neuron as usize]);
        let (interval, is_usual) = linear.usual_interval(cell.since, tick);
        let row = &rows[interval * stride(N)..][..1 + 2 * N];
        let mut pushed_mv = 0.0;
        let mut modes = cell.modes;
        let mut lift_mv = 0.0;
        for i in 0..N {
            let sum = sums[i] as f64;
            pushed_mv += modes[i] * row[2 + 2 * i];
            modes[i] = modes[i] * row[1 + 2 * i] + sum * kicks_mv[i];
            lift_mv += lift(sum * lifts_mv[i]);
        }
        let v_mv = settled_mv + (cell.v_mv - settled_mv) * row[0] + pushed_mv;
        others.left.push_if(position, !is_usual);
        if is_usual {
            (cell.v_mv, cell.modes, cell.since.tick) = (v_mv, modes, tick);
            watch.clearance_mv -= lift_mv;
        }
        others.used_up.push_if(position, is_usual & (watch.clearance_mv < 0.0));
    }
    others
}

/// Neurons whose way is [`Way::Jumps`]; at most a block. Nothing happens between arrivals.
#[inline]
pub(crate) fn jumps<const N: usize>(
    linear: &Linear,
    Arrived { tick, neurons, sums }: Arrived<'_>,
    cells: &mut [Cell<N>],
) -> Others {
    let mut others = Others { left: Positions::none(), used_up: Positions::none() };
    let (rows, settled_mv, threshold_mv) = (&*linear.rows, linear.settled_mv, linear.threshold_mv);
    let kick_mv = linear.deltas()[0].kick_mv;
    let (mut v_mv, mut decay) = ([0.0; WIDTH], [0.0; WIDTH]);
    let mut is_usual = [false; WIDTH];
    let mut first = 0_u16;
    for (neurons, sums) in neurons.chunks(WIDTH).zip(sums.chunks(WIDTH)) {
        let columns = v_mv.iter_mut().zip(&mut decay).zip(&mut is_usual);
        for (&neuron, ((v_mv, decay), is_usual)) in neurons.iter().zip(columns) {
            let cell = &cells[neuron as usize];
            let (interval, usual) = linear.usual_interval(cell.since, tick);
            (*v_mv, *decay, *is_usual) = (cell.v_mv, rows[interval], usual);
        }
        for ((v_mv, decay), &sum) in v_mv.iter_mut().zip(&decay).zip(sums) {
            *v_mv = settled_mv + (*v_mv - settled_mv) * decay + sum as f64 * kick_mv;
        }
        let columns = v_mv.iter().zip(&is_usual);
        for (position, (&neuron, (&v_mv, &usual))) in (first..).zip(neurons.iter().zip(columns)) {
            let cell = &mut cells[neuron as usize];
            let is_done = usual & !linear.fires(v_mv, threshold_mv);
            // Without currents, what arrives in refractory time leaves no trace.
            others.left.push_if(position, !is_done & (cell.since.ceil() <= tick));
            cell.v_mv = if is_done { v_mv } else { cell.v_mv };
            cell.since.tick = if is_done { tick } else { cell.since.tick };
        }
        first += u16::try_from(WIDTH).expect("narrow");
    }
    others
}
