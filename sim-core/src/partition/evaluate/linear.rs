//! Linear neurons in one tick: first those that may cross of themselves, then those that receive.

use crate::{
    connect::Emission,
    network::Share,
    neuron::{
        Sets,
        linear::{
            Cell, Linear, Watch,
            population::LinearModel,
            usual::{self, Arrived, Way},
        },
    },
    sums::{Block, Layout, Sums, to_u32},
};

/// The most receptors of a neuron.
const RECEPTORS_MAX: usize = crate::network::neurons::lif::RECEPTORS_MAX;

/// A share of linear neurons in one tick.
pub(super) struct Tick<'a, C, const N: usize> {
    pub(super) model: &'a LinearModel,
    pub(super) sets: &'a Sets<Linear>,
    pub(super) cells: &'a mut [Cell<N>],
    /// When the calendar calls each; empty where nothing happens between arrivals.
    pub(super) watches: &'a mut [Watch],
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
            let watch = &mut self.watches[neuron as usize];
            if watch.due != self.tick {
                continue;
            }
            let linear = self.sets.of(self.share.range.start + neuron);
            let cell = &mut self.cells[neuron as usize];
            *watch = cell.watch(linear, self.tick, Watch::NEVER);
            if watch.due > self.tick {
                // It called in good time, and nothing can happen yet.
                if watch.due != Watch::NEVER {
                    (self.calls)(neuron, watch.due);
                }
                continue;
            }
            watch.due = Watch::NEVER;
            let mut multiplicity = cell.cross(linear, self.tick);
            if sums.take_neuron(self.tick, self.share.layout.slot(neuron), arrived) {
                let may_fire = multiplicity < linear.spikes_max();
                multiplicity += u32::from(cell.arrive_if(linear, self.tick, arrived, may_fire));
            }
            self.note(neuron, multiplicity);
            self.watch(neuron);
        }
    }

    /// Neurons that received something and don't cross of themselves in this tick.
    #[inline]
    pub(super) fn receive(&mut self, block: &Block<'_>) {
        let arrived = Arrived { tick: self.tick, neurons: block.slots, sums: block.sums };
        let others = match (self.sets.only(), &self.share.layout, self.model.way()) {
            (Some(linear), Layout::Flat { .. }, Way::Currents) if !self.watches.is_empty() => {
                usual::currents(linear, arrived, self.cells, self.watches)
            }
            (Some(linear), Layout::Flat { .. }, Way::Jumps) if self.watches.is_empty() => {
                usual::jumps(linear, arrived, self.cells)
            }
            _ => return self.receive_each(block),
        };
        for &position in others.used_up() {
            self.watch(block.slots[usize::from(position)]);
        }
        let receptors = self.model.receptors();
        for &position in others.left() {
            let position = usize::from(position);
            self.receive_one(
                block.slots[position],
                &block.sums[position * receptors..][..receptors],
            );
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
        let fires = self.cells[neuron as usize].arrive(linear, self.tick, sums);
        if fires {
            self.note(neuron, 1);
        }
        if let Some(watch) = self.watches.get_mut(neuron as usize)
            && (watch.is_used_up(linear.lift_mv(sums)) || fires)
        {
            self.watch(neuron);
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
            (0..to_u32(self.cells.len())).for_each(|neuron| self.watch(neuron));
        }
    }

    #[inline]
    fn note(&mut self, neuron: u32, multiplicity: u32) {
        if multiplicity > 0 {
            self.fired.push(Emission { index: self.share.range.start + neuron, multiplicity });
        }
    }

    /// Has the calendar call before the neuron can next cross, if it can and unless it calls before.
    fn watch(&mut self, neuron: u32) {
        let linear = self.sets.of(self.share.range.start + neuron);
        let watch = &mut self.watches[neuron as usize];
        let seen = self.cells[neuron as usize].watch(linear, self.tick + 1, watch.due);
        watch.clearance_mv = seen.clearance_mv;
        if seen.due < watch.due {
            watch.due = seen.due;
            (self.calls)(neuron, seen.due);
        }
    }
}
