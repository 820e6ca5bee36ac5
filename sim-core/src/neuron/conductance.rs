//! Leaky integrate-and-fire with exponential conductances:
//! `C v' = -g_L (v - E_L) - g_e (v - E_e) - g_i (v - E_i) + I`, `tau g' = -g`.
//!
//! The conductances decay exactly and jump at the tick of the step. v follows the exponential
//! midpoint scheme: over an integration step of h the conductances stand still at their values
//! in its middle, for which v relaxes exactly, to the mean of the reversal potentials weighted by
//! the conductances, with the rate g / C of their sum g. It is of second order, stable for any h,
//! and v never overshoots. The same relaxation gives the crossing of the threshold within the step;
//! reset and refractory time count from there, so that spike times are of second order as well and
//! rounding never adds up. A neuron crosses at most once in an integration step: what would be a
//! second crossing is met by the next step, at its start.

use super::clocked::{Clocked, clipped};
use crate::{
    math::{exp, ln},
    network::neurons::{ConductanceParameters, period_ms},
    time::TickLength,
};

/// v \[mV\], both conductances \[nS\], and the refractory time that is left \[ms\].
pub(crate) const STATE: usize = 4;
/// Excitatory and inhibitory.
pub(crate) const RECEPTORS: usize = 2;

#[derive(Clone, Debug)]
pub(crate) struct Conductance {
    parameters: ConductanceParameters,
    step_ms: f64,
    /// What half an integration step and a whole one leave of the conductances.
    half: [f64; 2],
    whole: [f64; 2],
}

/// Where v goes while the conductances stand still.
#[derive(Clone, Copy)]
struct Relaxation {
    settled_mv: f64,
    rate_per_ms: f64,
}

impl Relaxation {
    #[inline]
    fn after(self, v_mv: f64, ms: f64) -> f64 {
        v_mv + (self.settled_mv - v_mv) * lost(ms * self.rate_per_ms)
    }

    /// When v, found at or above the threshold after a step, crossed it; from 0 to the step.
    fn crossing_ms(self, v_mv: f64, threshold_mv: f64, step_ms: f64) -> f64 {
        if v_mv >= threshold_mv {
            return 0.0;
        }
        let beyond_mv = self.settled_mv - threshold_mv;
        if beyond_mv <= 0.0 {
            // Only by rounding does it get there without settling above.
            return step_ms;
        }
        let ms = ln((self.settled_mv - v_mv) / beyond_mv) / self.rate_per_ms;
        ms.clamp(0.0, step_ms)
    }
}

/// `1 - exp(-x)` for x >= 0, without loss of digits where it is small; steps of microseconds are
/// there, and don't pay for the exponential.
#[inline]
fn lost(x: f64) -> f64 {
    if x >= 1e-3 {
        return 1.0 - exp(-x);
    }
    x * (1.0 - x * (0.5 - x * (1.0 / 6.0 - x * (1.0 / 24.0))))
}

impl Clocked<STATE, RECEPTORS> for Conductance {
    type Parameters = ConductanceParameters;

    fn new(parameters: &ConductanceParameters, tick: TickLength, period_ticks: u32) -> Self {
        let step_ms = period_ms(tick, period_ticks) / f64::from(parameters.substeps);
        let taus = [parameters.tau_excitatory_ms, parameters.tau_inhibitory_ms];
        Self {
            step_ms,
            half: taus.map(|tau_ms| exp(-0.5 * step_ms / tau_ms)),
            whole: taus.map(|tau_ms| exp(-step_ms / tau_ms)),
            parameters: parameters.clone(),
        }
    }

    fn multiplicity_max(&self) -> u32 {
        self.parameters.substeps
    }

    fn initial(&self) -> [f64; STATE] {
        [self.parameters.initial_mv, 0.0, 0.0, 0.0]
    }

    fn step(&self, state: &mut [f64; STATE], arrived: &[f64; RECEPTORS], drive: f64) -> u32 {
        let drive_pa = clipped(self.parameters.drive_pa + drive);
        let mut fired = 0;
        for _ in 0..self.parameters.substeps {
            fired += self.substep(state, drive_pa);
        }
        for (conductance, arrived) in state[1..3].iter_mut().zip(arrived) {
            // Never below zero, whatever the weights.
            *conductance = clipped(*conductance + clipped(*arrived)).max(0.0);
        }
        fired
    }
}

impl Conductance {
    fn substep(&self, state: &mut [f64; STATE], drive_pa: f64) -> u32 {
        let [v, excitatory, inhibitory, refractory_ms] = *state;
        let after = [excitatory * self.whole[0], inhibitory * self.whole[1]];
        let moves_ms = self.step_ms - refractory_ms;
        if moves_ms <= 0.0 {
            *state = [v, after[0], after[1], -moves_ms];
            return 0;
        }
        let relaxation = self.relaxation([excitatory, inhibitory], drive_pa);
        let moved = relaxation.after(v, moves_ms);
        let threshold = self.parameters.threshold_mv;
        if v < threshold && moved < threshold {
            *state = [clipped(moved), after[0], after[1], 0.0];
            return 0;
        }
        let crossing_ms = relaxation.crossing_ms(v, threshold, moves_ms);
        let left_ms = self.parameters.refractory_ms - (moves_ms - crossing_ms);
        let reset = self.parameters.reset_mv;
        let v = if left_ms < 0.0 { relaxation.after(reset, -left_ms) } else { reset };
        *state = [clipped(v), after[0], after[1], left_ms.max(0.0)];
        1
    }

    /// For the conductances in the middle of a step that begins with these.
    #[inline]
    fn relaxation(&self, [excitatory, inhibitory]: [f64; 2], drive_pa: f64) -> Relaxation {
        let parameters = &self.parameters;
        let excitatory = excitatory * self.half[0];
        let inhibitory = inhibitory * self.half[1];
        let conductance = parameters.leak_ns + excitatory + inhibitory;
        let current = parameters.leak_ns * parameters.rest_mv
            + excitatory * parameters.excitatory_mv
            + inhibitory * parameters.inhibitory_mv
            + drive_pa;
        Relaxation {
            settled_mv: current / conductance,
            rate_per_ms: conductance / parameters.capacitance_pf,
        }
    }
}

#[cfg(test)]
#[path = "conductance_tests.rs"]
mod tests;
