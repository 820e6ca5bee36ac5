//! A dense population of equal linear neurons: all are re-based at every tick, in columns.
//!
//! Where most neurons receive something in most ticks, nobody need know which. The tick is the same
//! for all, so its course is a handful of numbers (`sweep`). A neuron that may cross is taken out
//! as a [`Cell`] and goes the usual, exact way. In its refractory time its currents stay in the
//! columns and are re-based with all others; only its potential waits, beside the columns, for the
//! moment at which it wakes.
//!
//! Whether a population is swept is part of the plan, for it decides where state is re-based.

use std::{collections::VecDeque, ops::Range};

use super::{
    Cell, Linear,
    cell::moved,
    population::{Cells, LinearNeurons, each_kind},
    sweep::{Columns, Common, Vectors, sweep},
};
use crate::{
    connect::Emission,
    neuron::{Sets, moment::Moment},
    sums::{Lane, Planes, Sums, to_u32},
};

/// The most states of a neuron that is swept.
pub(crate) const MODES_MAX: usize = 4;
/// The most receptors.
const RECEPTORS_MAX: usize = MODES_MAX + 1;
/// Lanes that are taken at once. Before each loop the compiler checks that no column overlaps another,
/// which takes as long as some dozens of lanes.
const BLOCK: usize = 1_024;
/// Flags that are looked at together.
const GLANCE: usize = 32;

/// In place of the potential of a neuron that rests: nothing makes anything else of it.
const ABSENT_MV: f64 = f64::NEG_INFINITY;

/// The state of some neurons.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SweptNeurons {
    /// By neuron; [`ABSENT_MV`] for one that rests.
    v_mv: Vec<f64>,
    /// By state and neuron.
    modes: Vec<Vec<f64>>,
    /// In the order of the ticks at which they wake.
    resting: VecDeque<Resting>,
    /// The tick at which all were last re-based.
    based_at: u64,
    scratch: Scratch,
}

/// A neuron in its refractory time: its potential at the end of it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Resting {
    neuron: u32,
    since: Moment,
    v_mv: f64,
}

/// A neuron that went the exact way, after the tick.
#[derive(Clone, Copy, Debug)]
struct Back {
    neuron: u32,
    /// [`ABSENT_MV`] if it rests.
    v_mv: f64,
    modes: [f64; MODES_MAX],
}

/// Room that is kept from tick to tick; says nothing about the state.
#[derive(Clone, Debug, Default)]
struct Scratch {
    flags: Vec<u8>,
    flagged: Vec<usize>,
    back: Vec<Back>,
}

impl PartialEq for Scratch {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Resting {
    fn wakes_at(&self) -> u64 {
        self.since.ceil()
    }
}

/// What the states of one neuron become in a tick: the sweep's arithmetic.
struct Fading<'a, const N: usize> {
    linear: &'a Linear,
    /// What is left of each.
    fades: [f64; N],
}

impl<const N: usize> Fading<'_, N> {
    fn after(&self, mut modes: [f64; N], arrived: &[i64]) -> [f64; N] {
        let states = self.linear.states::<N>();
        for ((x, fade), mode) in modes.iter_mut().zip(self.fades).zip(states) {
            *x = *x * fade + arrived[mode.receptor] as f64 * mode.kick_mv;
        }
        modes
    }
}

/// A share of swept neurons in a tick.
pub(crate) struct Tick<'a> {
    pub(crate) sets: &'a Sets<Linear>,
    pub(crate) tick: u64,
    /// The description's index of the first.
    pub(crate) first: u32,
    pub(crate) vectors: Vectors,
}

impl SweptNeurons {
    /// Of neurons as they are before a tick. States of one that rests are those at the tick before.
    pub(crate) fn new(cells: &Cells, now: u64) -> Self {
        let based_at = now.saturating_sub(1);
        let (mut v_mv, mut modes) = (Vec::new(), vec![Vec::new(); cells.modes()]);
        let mut resting = Vec::new();
        each_kind!(cells, cells => {
            for (neuron, cell) in (0..).zip(cells) {
                let rests = cell.since != Moment::at(based_at);
                v_mv.push(if rests { ABSENT_MV } else { cell.v_mv });
                for (column, x) in modes.iter_mut().zip(cell.modes) {
                    column.push(x);
                }
                if rests {
                    resting.push(Resting { neuron, since: cell.since, v_mv: cell.v_mv });
                }
            }
        });
        resting.sort_by_key(Resting::wakes_at);
        let resting = resting.into();
        let scratch = Scratch { flags: vec![0; BLOCK], ..Scratch::default() };
        Self { v_mv, modes, resting, based_at, scratch }
    }

    pub(crate) fn len(&self) -> usize {
        self.v_mv.len()
    }

    /// The same, one by one; one that rests has its potential's moment ahead and the states of the
    /// tick that the others have theirs of.
    pub(crate) fn cells(&self) -> Cells {
        let mut cells = Cells::new(self.modes.len());
        each_kind!(&mut cells, cells => {
            cells.extend((0..self.len()).map(|at| self.swept_cell(at)));
            for resting in &self.resting {
                let cell = &mut cells[resting.neuron as usize];
                (cell.v_mv, cell.since) = (resting.v_mv, resting.since);
            }
        });
        cells
    }

    /// Some of them, as if they weren't swept.
    pub(crate) fn share(&self, range: Range<usize>) -> LinearNeurons {
        LinearNeurons { cells: self.cells().share(range), watches: Vec::new() }
    }

    /// One of them, by its position among them, as if it weren't swept.
    pub(crate) fn one(&self, linear: &Linear, neuron: u32) -> Cells {
        let resting = self.resting.iter().find(|resting| resting.neuron == neuron);
        let mut cells = Cells::new(self.modes.len());
        each_kind!(&mut cells, cells => cells.push(match resting {
            Some(resting) => self.resting_cell(linear, resting),
            None => self.swept_cell(neuron as usize),
        }));
        cells
    }

    /// One whose refractory time ends: all of its state is that of the end.
    fn resting_cell<const N: usize>(&self, linear: &Linear, resting: &Resting) -> Cell<N> {
        let Resting { neuron, since, v_mv } = *resting;
        let ahead = since.tick as f64 - self.based_at as f64 + since.fraction;
        let modes = moved(linear, &self.swept_cell::<N>(neuron as usize).modes, ahead);
        Cell { v_mv, modes, since }
    }

    /// One that doesn't rest.
    fn swept_cell<const N: usize>(&self, at: usize) -> Cell<N> {
        let modes = std::array::from_fn(|mode| self.modes[mode][at]);
        Cell { v_mv: self.v_mv[at], modes, since: Moment::at(self.based_at) }
    }

    /// Takes one that doesn't rest out of the columns.
    fn take<const N: usize>(&mut self, at: usize) -> Cell<N> {
        let cell = self.swept_cell(at);
        self.v_mv[at] = ABSENT_MV;
        cell
    }

    /// Runs a tick: takes the sums, leaves zeros, and names who fired.
    pub(crate) fn run(&mut self, tick: &Tick<'_>, sums: &mut Sums, fired: &mut Vec<Emission>) {
        match self.modes.len() {
            0 => self.run_with::<0>(tick, sums, fired),
            1 => self.run_with::<1>(tick, sums, fired),
            2 => self.run_with::<2>(tick, sums, fired),
            3 => self.run_with::<3>(tick, sums, fired),
            MODES_MAX => self.run_with::<MODES_MAX>(tick, sums, fired),
            modes => unreachable!("a plan has no neurons with {modes} states swept"),
        }
    }

    fn run_with<const N: usize>(
        &mut self,
        tick: &Tick<'_>,
        sums: &mut Sums,
        fired: &mut Vec<Emission>,
    ) {
        self.wake::<N>(tick, sums, fired);
        match tick.sets.only().filter(|linear| linear.has_tables() && linear.leaks()) {
            Some(linear) => match sums.planes(tick.tick) {
                Planes::Narrow(planes) => self.sweep_all::<i32, N>(tick, linear, planes, fired),
                Planes::Wide(planes) => self.sweep_all::<i64, N>(tick, linear, planes, fired),
            },
            None => self.go_through::<N>(tick, sums, fired),
        }
        for back in self.scratch.back.drain(..) {
            let at = back.neuron as usize;
            self.v_mv[at] = back.v_mv;
            for (column, x) in self.modes.iter_mut().zip(back.modes) {
                column[at] = x;
            }
        }
        self.based_at = tick.tick;
    }

    /// Neurons whose refractory time ends in this tick.
    fn wake<const N: usize>(
        &mut self,
        tick: &Tick<'_>,
        sums: &mut Sums,
        fired: &mut Vec<Emission>,
    ) {
        let mut arrived = [0; RECEPTORS_MAX];
        let arrived = &mut arrived[..sums.receptors()];
        // What rests again wakes later.
        while self.resting.front().is_some_and(|each| each.wakes_at() <= tick.tick) {
            let Some(each) = self.resting.pop_front() else { break };
            sums.take_neuron(tick.tick, each.neuron, arrived);
            let fading = self.fading::<N>(tick, each.neuron);
            let cell = self.resting_cell(fading.linear, &each);
            self.live::<N>(tick, &fading, (each.neuron, cell), arrived, fired);
        }
    }

    /// Keeps the order, which with one refractory time for all is hardly ever another.
    fn lay_down(&mut self, resting: Resting) {
        let at = self.resting.iter().rposition(|each| each.wakes_at() <= resting.wakes_at());
        self.resting.insert(at.map_or(0, |at| at + 1), resting);
    }

    /// What a neuron's states become in a tick.
    fn fading<'a, const N: usize>(&self, tick: &Tick<'a>, neuron: u32) -> Fading<'a, N> {
        let linear = tick.sets.of(tick.first + neuron);
        Fading { linear, fades: linear.fades(tick.tick - self.based_at) }
    }

    /// All neurons one by one: a session has given them parameters of their own, or taken their leak.
    fn go_through<const N: usize>(
        &mut self,
        tick: &Tick<'_>,
        sums: &mut Sums,
        fired: &mut Vec<Emission>,
    ) {
        let mut arrived = [0; RECEPTORS_MAX];
        let arrived = &mut arrived[..sums.receptors()];
        for at in 0..self.len() {
            let neuron = to_u32(at);
            sums.take_neuron(tick.tick, neuron, arrived);
            let fading = self.fading::<N>(tick, neuron);
            let rests = self.v_mv[at] == ABSENT_MV;
            let cell = self.take::<N>(at);
            if rests {
                let modes = fading.after(cell.modes, arrived);
                self.modes.iter_mut().zip(modes).for_each(|(column, x)| column[at] = x);
            } else {
                self.live(tick, &fading, (neuron, cell), arrived, fired);
            }
        }
    }

    /// `planes` are the lanes of each receptor in turn.
    fn sweep_all<S: Lane, const N: usize>(
        &mut self,
        tick: &Tick<'_>,
        linear: &Linear,
        (planes, lanes): (&mut [S], usize),
        fired: &mut Vec<Emission>,
    ) {
        let common = &Common::new(linear, tick.tick - self.based_at);
        for start in (0..self.len()).step_by(BLOCK) {
            let end = (start + BLOCK).min(self.len());
            let of_receptor = |receptor: usize| receptor * lanes + start..receptor * lanes + end;
            let states = linear.states::<N>();
            let mut modes = self.modes.iter_mut();
            let columns = Columns {
                v_mv: &mut self.v_mv[start..end],
                modes: std::array::from_fn(|_| {
                    &mut modes.next().expect("a column a state")[start..end]
                }),
                sums: states.each_ref().map(|mode| &planes[of_receptor(mode.receptor)]),
                jumps: linear
                    .deltas()
                    .first()
                    .map_or(&[][..], |delta| &planes[of_receptor(delta.receptor)]),
                flags: &mut self.scratch.flags[..end - start],
            };
            if sweep(common, columns, tick.vectors) {
                self.search::<S, N>(tick, start, (planes, lanes), fired);
            }
            for plane in planes.chunks_exact_mut(lanes) {
                plane[start..end].fill(S::default());
            }
        }
    }

    /// Lanes of a block that were flagged.
    fn search<S: Lane, const N: usize>(
        &mut self,
        tick: &Tick<'_>,
        start: usize,
        (planes, lanes): (&[S], usize),
        fired: &mut Vec<Emission>,
    ) {
        let mut flagged = std::mem::take(&mut self.scratch.flagged);
        let glances = self.scratch.flags[..BLOCK.min(self.len() - start)].chunks(GLANCE);
        for (first, flags) in (start..).step_by(GLANCE).zip(glances) {
            if flags.iter().fold(0, |any, flag| any | flag) != 0 {
                let set = (first..).zip(flags).filter(|(_, flag)| **flag != 0);
                flagged.extend(set.map(|(at, _)| at));
            }
        }
        let receptors = planes.len() / lanes;
        let mut arrived = [0; RECEPTORS_MAX];
        for at in flagged.drain(..) {
            for (receptor, arrived) in arrived[..receptors].iter_mut().enumerate() {
                *arrived = planes[receptor * lanes + at].into();
            }
            let fading = self.fading::<N>(tick, to_u32(at));
            let cell = self.take(at);
            self.live(tick, &fading, (to_u32(at), cell), &arrived[..receptors], fired);
        }
        self.scratch.flagged = flagged;
    }

    /// One neuron goes the exact way, from its base on; what becomes of it is put into the columns
    /// after the tick.
    fn live<const N: usize>(
        &mut self,
        tick: &Tick<'_>,
        fading: &Fading<'_, N>,
        (neuron, mut cell): (u32, Cell<N>),
        arrived: &[i64],
        fired: &mut Vec<Emission>,
    ) {
        let linear = fading.linear;
        let multiplicity = cell.live(linear, tick.tick, arrived);
        let mut back = Back { neuron, v_mv: cell.v_mv, modes: [0.0; MODES_MAX] };
        let modes = if cell.since == Moment::at(tick.tick) {
            cell.modes
        } else {
            self.lay_down(Resting { neuron, since: cell.since, v_mv: cell.v_mv });
            back.v_mv = ABSENT_MV;
            fading.after(self.swept_cell(neuron as usize).modes, arrived)
        };
        back.modes[..N].copy_from_slice(&modes);
        self.scratch.back.push(back);
        if multiplicity > 0 {
            fired.push(Emission { index: tick.first + neuron, multiplicity });
        }
    }
}
