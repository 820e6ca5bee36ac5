//! Linear neurons in one tick: first those that may cross of themselves, then those that receive.

use crate::{
    connect::Emission,
    network::Share,
    neuron::{
        Sets,
        linear::{
            Arrival, Cell, Linear,
            population::{LinearModel, NEVER},
        },
    },
    sums::{Block, Layout, Sums, to_u32},
};

/// The most receptors of a neuron.
const RECEPTORS_MAX: usize = crate::network::neurons::lif::RECEPTORS_MAX;

/// A call further off than this is made early.
const FAR_TICKS: u64 = 4;

/// A share of linear neurons in one tick.
pub(super) struct Tick<'a, C, const N: usize> {
    pub(super) model: &'a LinearModel,
    pub(super) sets: &'a Sets<Linear>,
    pub(super) cells: &'a mut [Cell<N>],
    /// When the calendar calls each.
    pub(super) due: &'a mut [u64],
    pub(super) tick: u64,
    pub(super) share: &'a Share,
    pub(super) fired: &'a mut Vec<Emission>,
    pub(super) calls: &'a mut C,
}

impl<C: FnMut(u32, u64), const N: usize> Tick<'_, C, N> {
    /// Answers the calendar's calls: finds crossings up to the tick.
    pub(super) fn answer(&mut self, called: &[u32], sums: &mut Sums) {
        let mut arrived = [0; RECEPTORS_MAX];
        let arrived = &mut arrived[..self.model.receptors()];
        for &neuron in called {
            let due = &mut self.due[neuron as usize];
            if *due != self.tick {
                continue;
            }
            *due = NEVER;
            let linear = self.sets.of(self.share.range.start + neuron);
            let cell = &mut self.cells[neuron as usize];
            match cell.call_at(linear, self.tick) {
                Some(tick) if tick == self.tick => {
                    let mut multiplicity = cell.cross(linear, self.tick);
                    if sums.take_neuron(self.tick, self.share.layout.slot(neuron), arrived) {
                        multiplicity += u32::from(cell.arrive(linear, self.tick, arrived));
                    }
                    self.note(neuron, multiplicity);
                    self.call(neuron);
                }
                // It called in good time, and nothing can happen yet.
                Some(later) => self.call_by(neuron, later),
                None => (),
            }
        }
    }

    /// Neurons that received something and don't cross of themselves in this tick.
    #[inline]
    pub(super) fn receive(&mut self, block: &Block<'_>) {
        match (self.sets.only(), &self.share.layout) {
            (Some(linear), Layout::Flat { .. }) if self.model.calls() => {
                self.receive_alike::<true>(linear, block);
            }
            (Some(linear), Layout::Flat { .. }) => self.receive_alike::<false>(linear, block),
            _ => self.receive_each(block),
        }
    }

    /// The same where all neurons have the same parameters. Those in which nothing out of the
    /// ordinary happens are taken first, with hardly a branch that can't be foretold.
    #[inline]
    fn receive_alike<const CALLS: bool>(&mut self, linear: &Linear, block: &Block<'_>) {
        let receptors = self.model.receptors();
        let mut others = [0_u16; Block::SLOTS_MAX];
        let mut count = 0;
        let arrivals = block.slots.iter().zip(block.sums.chunks_exact(receptors));
        for (position, (&neuron, sums)) in (0_u16..).zip(arrivals) {
            let until = if CALLS { self.due[neuron as usize] } else { self.tick };
            let cell = &mut self.cells[neuron as usize];
            let arrival = cell.arrive_as_usual::<CALLS>(linear, self.tick, sums, until);
            others[count] = position;
            count += usize::from(arrival == Arrival::Unusual);
            if CALLS && arrival == Arrival::MayCross {
                self.call(neuron);
            }
        }
        for &position in &others[..count] {
            let position = usize::from(position);
            let sums = &block.sums[position * receptors..][..receptors];
            self.receive_one(block.slots[position], sums);
        }
    }

    fn receive_each(&mut self, block: &Block<'_>) {
        let receptors = self.model.receptors();
        for (&slot, sums) in block.slots.iter().zip(block.sums.chunks_exact(receptors)) {
            self.receive_one(slot, sums);
        }
    }

    fn receive_one(&mut self, slot: u32, sums: &[i64]) {
        let Some(neuron) = self.share.layout.neuron(slot) else { return };
        let linear = self.sets.of(self.share.range.start + neuron);
        if self.cells[neuron as usize].arrive(linear, self.tick, sums) {
            self.note(neuron, 1);
        }
        if self.model.calls() {
            self.call(neuron);
        }
    }

    /// Gives all neurons another drive from this tick on.
    pub(super) fn change(&mut self) {
        let after = self.model.after(self.tick);
        for neuron in 0..to_u32(self.cells.len()) {
            let linear = self.sets.of(self.share.range.start + neuron);
            self.cells[neuron as usize].rebase(linear, self.tick);
        }
        self.sets = after;
        if self.model.calls() {
            (0..to_u32(self.cells.len())).for_each(|neuron| self.call(neuron));
        }
    }

    #[inline]
    fn note(&mut self, neuron: u32, multiplicity: u32) {
        if multiplicity > 0 {
            self.fired.push(Emission { index: self.share.range.start + neuron, multiplicity });
        }
    }

    /// Has the calendar call before the neuron can next cross, if it can.
    fn call(&mut self, neuron: u32) {
        let linear = self.sets.of(self.share.range.start + neuron);
        if let Some(call) = self.cells[neuron as usize].call_at(linear, self.tick + 1) {
            self.call_by(neuron, call);
        }
    }

    /// Has the calendar call by a tick, unless it calls before. When that is far off, it calls at
    /// half the time: arrivals until then bring the crossing nearer, and must not need another call.
    fn call_by(&mut self, neuron: u32, latest: u64) {
        let due = &mut self.due[neuron as usize];
        if latest < *due {
            let ahead = latest - self.tick;
            let call = self.tick + if ahead > FAR_TICKS { ahead / 2 } else { ahead };
            *due = call;
            (self.calls)(neuron, call);
        }
    }
}
