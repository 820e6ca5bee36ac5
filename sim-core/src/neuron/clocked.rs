//! Neurons stepped once per clock period, a whole number of ticks counted from tick 0.
//!
//! The step at a tick carries a neuron from the step before it up to that tick, so what is given
//! to it is what arrived in between, the tick itself included; a spike is emitted at that tick.
//! The initial state is the one a period before tick 0.
//!
//! A step is a pure function of state and input, and makes no infinity and no NaN: parameters
//! are checked, and whatever arrives and every state variable is clipped to ±[`LARGEST`].

use std::ops::Range;

use super::Sets;
use crate::{
    connect::Emission,
    network::neurons::LARGEST,
    sums::{Layout, Sums},
    time::TickLength,
};

/// One population's dynamics, with so many state variables a neuron and so many sums.
pub(crate) trait Clocked<const STATE: usize, const RECEPTORS: usize>: Sized {
    type Parameters;

    /// From checked parameters; a period has at least one tick.
    fn new(parameters: &Self::Parameters, tick: TickLength, period_ticks: u32) -> Self;

    /// The most spikes of one step.
    fn multiplicity_max(&self) -> u32;

    /// State of a neuron a period before tick 0.
    fn initial(&self) -> [f64; STATE];

    /// One clock period. `arrived` is what reached each receptor since the step before, in the
    /// weights' own unit; `drive` comes on top of the parameters' own. Returns how often the
    /// neuron fired.
    fn step(&self, state: &mut [f64; STATE], arrived: &[f64; RECEPTORS], drive: f64) -> u32;

    /// One clock period of many neurons, one array a variable: the bits of `step`. All slices have
    /// the length of `fired`, which takes how often each fired.
    fn sweep(
        &self,
        mut state: [&mut [f64]; STATE],
        arrived: [&[f64]; RECEPTORS],
        drive: f64,
        fired: &mut [u32],
    ) {
        for (neuron, fired) in fired.iter_mut().enumerate() {
            let sums = arrived.each_ref().map(|sums| sums[neuron]);
            let mut own = state.each_ref().map(|variable| variable[neuron]);
            *fired = self.step(&mut own, &sums, drive);
            for (variable, value) in state.iter_mut().zip(own) {
                variable[neuron] = value;
            }
        }
    }
}

/// Clips to what can be calculated with.
#[inline(always)]
pub(crate) fn clipped(value: f64) -> f64 {
    value.clamp(-LARGEST, LARGEST)
}

/// A clocked model of a population.
#[derive(Clone, Debug)]
pub(crate) struct Clock<M, const STATE: usize, const RECEPTORS: usize> {
    pub(crate) sets: Sets<M>,
    pub(crate) period_ticks: u64,
    /// One unit of a sum, in weights.
    pub(crate) quantum: f64,
}

/// The state of some clocked neurons.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClockedNeurons {
    /// One array a state variable.
    pub(crate) state: Vec<Vec<f64>>,
    /// What arrived since the last step, one array a receptor \[quanta\]; empty where every tick is
    /// a step.
    pub(crate) held: Vec<Vec<i64>>,
    scratch: Scratch,
}

/// Buffers that keep their memory from step to step; no state.
#[derive(Clone, Debug, Default)]
struct Scratch {
    arrived: Vec<Vec<f64>>,
    fired: Vec<u32>,
}

impl PartialEq for Scratch {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl ClockedNeurons {
    /// From one array a state variable, and one a receptor of what waits for the next step.
    pub(crate) fn new(state: Vec<Vec<f64>>, held: Vec<Vec<i64>>) -> Self {
        Self { state, held, scratch: Scratch::default() }
    }

    pub(crate) fn share(&self, range: Range<usize>) -> Self {
        let state = self.state.iter().map(|variable| variable[range.clone()].to_vec());
        let held = self.held.iter().map(|sums| sums[range.clone()].to_vec());
        Self::new(state.collect(), held.collect())
    }

    /// In which a neuron's last step left it: the first state variable of every model.
    pub(crate) fn potential(&self, neuron: u32) -> f64 {
        self.state[0][neuron as usize]
    }

    /// Keeps what arrived at a tick without a step.
    pub(crate) fn hold(&mut self, sums: &mut Sums, tick: u64, layout: &Layout) {
        let (receptors, held) = (sums.receptors(), &mut self.held);
        sums.take_each(tick, 0..crate::sums::to_u32(sums.quads()), |block| {
            for (&slot, sums) in block.slots.iter().zip(block.sums.chunks_exact(receptors)) {
                let Some(neuron) = layout.neuron(slot) else { continue };
                for (held, sum) in held.iter_mut().zip(sums) {
                    held[neuron as usize] += sum;
                }
            }
        });
    }

    /// Takes what arrived at a tick and was held, as weights.
    fn collect(&mut self, sums: &mut Sums, tick: u64, layout: &Layout, quantum: f64) {
        let (receptors, count) = (sums.receptors(), self.state[0].len());
        let Scratch { arrived, fired } = &mut self.scratch;
        fired.resize(count, 0);
        arrived.resize(receptors, Vec::new());
        for (receptor, arrived) in arrived.iter_mut().enumerate() {
            arrived.clear();
            arrived.resize(count, 0.0);
            let held = self.held.get_mut(receptor).into_iter().flatten();
            for (arrived, held) in arrived.iter_mut().zip(held) {
                *arrived = *held as f64 * quantum;
            }
        }
        sums.take_each(tick, 0..crate::sums::to_u32(sums.quads()), |block| {
            for (&slot, sums) in block.slots.iter().zip(block.sums.chunks_exact(receptors)) {
                let Some(neuron) = layout.neuron(slot) else { continue };
                for (receptor, sum) in sums.iter().enumerate() {
                    let held = self.held.get(receptor).map_or(0, |held| held[neuron as usize]);
                    arrived[receptor][neuron as usize] = (sum + held) as f64 * quantum;
                }
            }
        });
        self.held.iter_mut().for_each(|held| held.fill(0));
    }
}

impl<M: Clocked<STATE, RECEPTORS>, const STATE: usize, const RECEPTORS: usize>
    Clock<M, STATE, RECEPTORS>
{
    pub(crate) fn multiplicity_max(&self) -> u32 {
        self.sets.iter().map(M::multiplicity_max).max().unwrap_or(1)
    }

    #[expect(clippy::unused_self, reason = "of the model, as for others")]
    pub(crate) fn receptors(&self) -> usize {
        RECEPTORS
    }

    /// Variables of one neuron's state.
    #[expect(clippy::unused_self, reason = "of the model, as for others")]
    pub(crate) fn variables(&self) -> usize {
        STATE
    }

    /// Receptors of which something may wait for the next step.
    pub(crate) fn holds(&self) -> usize {
        if self.period_ticks > 1 { RECEPTORS } else { 0 }
    }

    pub(crate) fn state_bytes(&self) -> u64 {
        // The arrivals and the count that a step needs beside the state.
        ((STATE + RECEPTORS + self.holds()) * size_of::<f64>() + size_of::<u32>()) as u64
    }

    /// The first tick of a step, from a tick on.
    pub(crate) fn next_step(&self, from: u64) -> u64 {
        from.checked_next_multiple_of(self.period_ticks).unwrap_or(u64::MAX)
    }

    pub(crate) fn at_start(&self, range: &Range<u32>) -> ClockedNeurons {
        let mut state = vec![Vec::with_capacity(range.len()); STATE];
        for neuron in range.clone() {
            let initial = self.sets.of(neuron).initial();
            state.iter_mut().zip(initial).for_each(|(variable, value)| variable.push(value));
        }
        ClockedNeurons::new(state, vec![vec![0; range.len()]; self.holds()])
    }

    /// Steps all neurons of a share, or keeps what arrived for the next step.
    pub(crate) fn tick(
        &self,
        neurons: &mut ClockedNeurons,
        sums: &mut Sums,
        tick: u64,
        (layout, first): (&Layout, u32),
        fired: &mut Vec<Emission>,
    ) {
        if self.next_step(tick) != tick {
            neurons.hold(sums, tick, layout);
            return;
        }
        neurons.collect(sums, tick, layout, self.quantum);
        let ClockedNeurons { state, scratch, .. } = neurons;
        let arrived: [&[f64]; RECEPTORS] = std::array::from_fn(|at| scratch.arrived[at].as_slice());
        let variables = state.as_mut_slice().as_mut_array::<STATE>().expect("made with as many");
        if let Some(model) = self.sets.only() {
            let state = variables.each_mut().map(|variable| variable.as_mut_slice());
            model.sweep(state, arrived, 0.0, &mut scratch.fired);
        } else {
            for (neuron, fired) in scratch.fired.iter_mut().enumerate() {
                let mut own = variables.each_ref().map(|variable| variable[neuron]);
                let arrived = arrived.map(|sums| sums[neuron]);
                let model = self.sets.of(first + crate::sums::to_u32(neuron));
                *fired = model.step(&mut own, &arrived, 0.0);
                for (variable, value) in variables.iter_mut().zip(own) {
                    variable[neuron] = value;
                }
            }
        }
        for (index, &multiplicity) in (first..).zip(&scratch.fired) {
            if multiplicity > 0 {
                fired.push(Emission { index, multiplicity });
            }
        }
    }
}
