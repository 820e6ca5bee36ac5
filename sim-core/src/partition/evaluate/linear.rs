//! Linear neurons in one tick: first those that may cross of themselves, then those that receive.

use crate::{
    connect::Emission,
    network::Share,
    neuron::{
        Sets,
        linear::{
            Cell, Linear,
            population::{LinearModel, NEVER},
        },
    },
    sums::{Block, Sums, to_u32},
};

/// The most receptors of a neuron.
const RECEPTORS_MAX: usize = crate::network::neurons::lif::RECEPTORS_MAX;

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
            let mut multiplicity = cell.cross(linear, self.tick);
            if sums.take_neuron(self.tick, self.share.layout.slot(neuron), arrived) {
                multiplicity += u32::from(cell.arrive(linear, self.tick, arrived));
            }
            self.note(neuron, multiplicity);
            self.call(neuron);
        }
    }

    /// Neurons that received something and don't cross of themselves in this tick.
    #[inline]
    pub(super) fn receive(&mut self, block: &Block<'_>) {
        let receptors = self.model.receptors();
        for (&slot, sums) in block.slots.iter().zip(block.sums.chunks_exact(receptors)) {
            let Some(neuron) = self.share.layout.neuron(slot) else { continue };
            let linear = self.sets.of(self.share.range.start + neuron);
            if self.cells[neuron as usize].arrive(linear, self.tick, sums) {
                self.note(neuron, 1);
            }
            if self.model.calls() {
                self.call(neuron);
            }
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

    /// Has the calendar call when the neuron may next cross, unless it calls before.
    #[inline]
    fn call(&mut self, neuron: u32) {
        let linear = self.sets.of(self.share.range.start + neuron);
        if let Some(call) = self.cells[neuron as usize].call_at(linear, self.tick + 1)
            && call < self.due[neuron as usize]
        {
            self.due[neuron as usize] = call;
            (self.calls)(neuron, call);
        }
    }
}
