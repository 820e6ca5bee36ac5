//! A population of linear neurons: their parameters, which may differ and change, and their state.

use std::{borrow::Cow, ops::Range};

use super::{Cell, Linear, Watch, usual::Way};
use crate::{
    network::{DriveStep, LifParameters, Neuron},
    neuron::{Compile, Sets, moment::Moment},
};

/// The same for cells of any number of extra states.
macro_rules! each_kind {
    ($cells:expr, $name:ident => $body:expr) => {
        match $cells {
            $crate::neuron::linear::population::Cells::M0($name) => $body,
            $crate::neuron::linear::population::Cells::M1($name) => $body,
            $crate::neuron::linear::population::Cells::M2($name) => $body,
            $crate::neuron::linear::population::Cells::M3($name) => $body,
            $crate::neuron::linear::population::Cells::M4($name) => $body,
            $crate::neuron::linear::population::Cells::M5($name) => $body,
            $crate::neuron::linear::population::Cells::M6($name) => $body,
            $crate::neuron::linear::population::Cells::M7($name) => $body,
            $crate::neuron::linear::population::Cells::M8($name) => $body,
        }
    };
}
pub(crate) use each_kind;

/// Parameters of all neurons, and what becomes of them.
#[derive(Clone, Debug)]
pub(crate) struct LinearModel {
    /// Parameters after each change of the drive, with its tick; the first from the start.
    epochs: Vec<(u64, Sets<Linear>)>,
    /// Potential at the start: one for all or one each \[mV\].
    initial_mv: Sets<f64>,
    receptors: usize,
    modes: usize,
    /// Whether anything can happen between arrivals.
    calls: bool,
    way: Way,
    is_swept: bool,
}

impl LinearModel {
    pub(crate) fn new(compile: &Compile<'_>) -> Self {
        let each = compile.each();
        let lif = |neuron: Neuron| match neuron {
            Neuron::Lif(parameters) => parameters,
            _ => unreachable!("a population has one model"),
        };
        let all = || (0..compile.size).map(|index| lif(each.of(index)));
        let initial_mv = if each.start_differently() {
            Sets::each(all().map(|parameters| parameters.initial_mv).collect())
        } else {
            Sets::same(lif(compile.population.neuron.clone()).initial_mv)
        };
        let base = lif(compile.population.neuron.clone());
        let receptors = base.receptors.len().max(1);
        let quanta = vec![compile.quantum; receptors];
        let linear = |parameters: &LifParameters| Linear::new(parameters, compile.tick, &quanta);
        let sets = if each.differ() {
            Sets::each(all().map(|parameters| linear(&parameters).with_bounds()).collect())
        } else {
            Sets::same(linear(&base).with_tables())
        };
        let mut epochs = vec![(0, sets)];
        for &DriveStep { at_tick, drive_mv } in &compile.population.drive_steps {
            let changed = epochs[0].1.iter().map(|linear| linear.with_drive(drive_mv)).collect();
            epochs.push((at_tick, Sets::each(changed)));
        }
        let calls = epochs.iter().any(|(_, sets)| sets.iter().any(Linear::crosses_by_itself));
        let way = epochs[0].1.only().map_or(Way::Other, Linear::way);
        Self {
            epochs,
            initial_mv,
            receptors,
            modes: base.modes(),
            calls,
            way,
            is_swept: compile.swept,
        }
    }

    /// Whether all neurons are re-based at every tick.
    pub(crate) fn is_swept(&self) -> bool {
        self.is_swept
    }

    /// What most neurons go through at most arrivals.
    pub(crate) fn way(&self) -> Way {
        self.way
    }

    pub(crate) fn receptors(&self) -> usize {
        self.receptors
    }

    /// Extra states of a neuron.
    pub(crate) fn modes(&self) -> usize {
        self.modes
    }

    /// Whether anything can happen between arrivals.
    pub(crate) fn calls(&self) -> bool {
        self.calls
    }

    /// The same, where anything may lie above its threshold and so cross between arrivals.
    pub(crate) fn with_anything_above(self) -> Self {
        Self { calls: true, ..self }
    }

    pub(crate) fn multiplicity_max(&self) -> u32 {
        let all = self.epochs.iter().flat_map(|(_, sets)| sets.iter());
        all.map(Linear::multiplicity_max).max().unwrap_or(1)
    }

    pub(crate) fn state_bytes(&self) -> u64 {
        let called = if self.calls { size_of::<Watch>() } else { 0 };
        (size_of::<Cell<0>>() + self.modes * size_of::<f64>() + called) as u64
    }

    /// The parameters that hold up to a tick; a change at the tick itself comes after it.
    #[inline]
    pub(crate) fn until(&self, tick: u64) -> &Sets<Linear> {
        let mut epochs = self.epochs.iter().rev();
        let holds = epochs.find(|(from, _)| *from < tick || *from == 0);
        &holds.expect("the first holds from the start").1
    }

    /// The parameters that hold after a tick.
    #[inline]
    pub(crate) fn after(&self, tick: u64) -> &Sets<Linear> {
        self.until(tick + 1)
    }

    /// The first change of the drive from a tick on.
    pub(crate) fn next_change(&self, from: u64) -> Option<u64> {
        let changes = self.epochs.iter().skip(1).map(|(tick, _)| *tick);
        changes.filter(|&tick| tick >= from).min()
    }

    pub(crate) fn at_start(&self, range: &Range<u32>, now: u64) -> LinearNeurons {
        let (linear, initial) = (&self.epochs[0].1, &self.initial_mv);
        let mut cells = Cells::new(self.modes);
        each_kind!(&mut cells, cells => {
            let cell = |neuron| Cell::at_start(linear.of(neuron), *initial.of(neuron), now);
            cells.extend(range.clone().map(cell));
        });
        self.neurons(cells)
    }

    /// Neurons whose cells are known.
    pub(crate) fn neurons(&self, cells: Cells) -> LinearNeurons {
        let called = if self.calls { cells.len() } else { 0 };
        LinearNeurons { cells, watches: vec![Watch::NONE; called] }
    }
}

/// Cells of as many extra states as their model has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cells {
    M0(Vec<Cell<0>>),
    M1(Vec<Cell<1>>),
    M2(Vec<Cell<2>>),
    M3(Vec<Cell<3>>),
    M4(Vec<Cell<4>>),
    M5(Vec<Cell<5>>),
    M6(Vec<Cell<6>>),
    M7(Vec<Cell<7>>),
    M8(Vec<Cell<8>>),
}

impl Cells {
    /// None yet.
    pub(crate) fn new(modes: usize) -> Self {
        match modes {
            0 => Self::M0(Vec::new()),
            1 => Self::M1(Vec::new()),
            2 => Self::M2(Vec::new()),
            3 => Self::M3(Vec::new()),
            4 => Self::M4(Vec::new()),
            5 => Self::M5(Vec::new()),
            6 => Self::M6(Vec::new()),
            7 => Self::M7(Vec::new()),
            _ => Self::M8(Vec::new()),
        }
    }

    pub(crate) fn len(&self) -> usize {
        each_kind!(self, cells => cells.len())
    }

    /// Extra states of each.
    pub(crate) fn modes(&self) -> usize {
        const fn modes_of<const N: usize>(_: &[Cell<N>]) -> usize {
            N
        }
        each_kind!(self, cells => modes_of(cells))
    }

    /// Some of them.
    pub(crate) fn share(&self, range: Range<usize>) -> Self {
        let mut shared = self.clone();
        each_kind!(&mut shared, cells => {
            cells.truncate(range.end);
            cells.drain(..range.start);
        });
        shared
    }
}

/// The state of some linear neurons.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LinearNeurons {
    pub(crate) cells: Cells,
    /// When the calendar calls each, and how clear of its threshold it stays until then; empty where
    /// nothing happens between arrivals.
    pub(crate) watches: Vec<Watch>,
}

impl LinearNeurons {
    pub(crate) fn share(&self, range: Range<usize>) -> Self {
        let called = if self.watches.is_empty() { 0 } else { range.len() };
        Self { cells: self.cells.share(range), watches: vec![Watch::NONE; called] }
    }

    /// Re-bases neurons at the last tick before `now`, and hands them over to another model.
    pub(crate) fn change_model(
        &mut self,
        from: &LinearModel,
        to: &LinearModel,
        first: u32,
        now: u64,
    ) {
        let (before, after) = (from.until(now), to.until(now));
        each_kind!(&mut self.cells, cells => {
            for (index, cell) in (first..).zip(cells) {
                let (before, after) = (before.of(index), after.of(index));
                // Once is enough, however much is set between two ticks.
                if let Some(last) = now.checked_sub(1).filter(|&last| cell.since < Moment::at(last)) {
                    cell.rebase(before, last);
                }
                cell.v_mv += before.rest_mv - after.rest_mv;
            }
        });
        self.take_up_model(to);
    }

    pub(crate) fn take_up_model(&mut self, model: &LinearModel) {
        self.watches = vec![Watch::NONE; if model.calls { self.cells.len() } else { 0 }];
    }

    pub(crate) fn call_all(
        &mut self,
        model: &LinearModel,
        first: u32,
        now: u64,
        call: &mut impl FnMut(u32, u64),
    ) {
        let linear = model.until(now);
        each_kind!(&self.cells, cells => {
            for ((neuron, watch), cell) in (0..).zip(&mut self.watches).zip(cells) {
                *watch = cell.watch(linear.of(first + neuron), now, Watch::NEVER);
                if watch.due != Watch::NEVER {
                    call(neuron, watch.due);
                }
            }
        });
    }
}

/// A neuron's state at a tick, looked at without being re-based.
pub(crate) struct Probe<'a> {
    cells: Cow<'a, Cells>,
    linear: &'a Linear,
    neuron: usize,
    tick: u64,
}

impl LinearNeurons {
    /// Looks at a neuron by its index in the description.
    pub(crate) fn probe<'a>(
        &'a self,
        model: &'a LinearModel,
        first: u32,
        index: u32,
        tick: u64,
    ) -> Probe<'a> {
        let (linear, neuron) = (model.until(tick).of(index), (index - first) as usize);
        Probe { cells: Cow::Borrowed(&self.cells), linear, neuron, tick }
    }
}

impl<'a> Probe<'a> {
    /// Looks at one neuron on its own, by its index in the description.
    pub(crate) fn of(cells: Cells, model: &'a LinearModel, index: u32, tick: u64) -> Self {
        let linear = model.until(tick).of(index);
        Self { cells: Cow::Owned(cells), linear, neuron: 0, tick }
    }
}

impl Probe<'_> {
    pub(crate) fn potential_mv(&self) -> f64 {
        each_kind!(&*self.cells, cells => cells[self.neuron].potential_mv(self.linear, self.tick))
    }

    pub(crate) fn threshold_mv(&self) -> f64 {
        each_kind!(&*self.cells, cells => cells[self.neuron].threshold_mv(self.linear, self.tick))
    }

    pub(crate) fn current_mv(&self, receptor: usize) -> f64 {
        each_kind!(&*self.cells, cells => {
            cells[self.neuron].current_mv(self.linear, receptor, self.tick)
        })
    }
}
