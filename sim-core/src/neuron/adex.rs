//! The adaptive exponential neuron (Brette and Gerstner 2005) with exponential conductances:
//!
//! ```text
//! C v'     = -g_L (v - E_L) + g_L Δ exp((v - V_T) / Δ) - w - g_e (v - E_e) - g_i (v - E_i) + I
//! tau_w w' = a (v - E_L) - w
//! ```
//!
//! The conductances decay exactly and jump at the tick of the step. v and w follow the classical
//! Runge-Kutta scheme of fourth order with fixed integration steps; as in NEST, v is held at or
//! below its peak where slopes are taken, which bounds the exponential.
//!
//! v is compared with the peak at the end of each integration step, and reset there. Spike times,
//! unlike the membrane below threshold, are therefore of first order: a spike is late by up to a
//! step, and what follows it with it; regular firing at 40 Hz is off by less than ten steps after
//! a dozen spikes. Steps of 10 µs or less keep that below a tenth of a millisecond. Refractory time
//! is rounded to whole integration steps; v stays at reset in it, w and the conductances go on.

use super::clocked::{Clocked, clipped};
use crate::{
    math::exp,
    network::neurons::{AdexParameters, period_ms},
    time::TickLength,
};

/// v \[mV\], w \[pA\], both conductances \[nS\], and the integration steps still refractory.
pub(crate) const STATE: usize = 5;
/// Excitatory and inhibitory.
pub(crate) const RECEPTORS: usize = 2;

#[derive(Clone, Debug)]
pub(crate) struct Adex {
    parameters: AdexParameters,
    step_ms: f64,
    refractory_steps: f64,
    /// What half an integration step and a whole one leave of the conductances.
    half: [f64; 2],
    whole: [f64; 2],
    /// What an integration step leaves of w when v doesn't move.
    w_left: f64,
}

impl Clocked<STATE, RECEPTORS> for Adex {
    type Parameters = AdexParameters;

    fn new(parameters: &AdexParameters, tick: TickLength, period_ticks: u32) -> Self {
        let step_ms = period_ms(tick, period_ticks) / f64::from(parameters.substeps);
        let taus = [parameters.tau_excitatory_ms, parameters.tau_inhibitory_ms];
        Self {
            step_ms,
            refractory_steps: (parameters.refractory_ms / step_ms).round(),
            half: taus.map(|tau_ms| exp(-0.5 * step_ms / tau_ms)),
            whole: taus.map(|tau_ms| exp(-step_ms / tau_ms)),
            w_left: exp(-step_ms / parameters.tau_w_ms),
            parameters: parameters.clone(),
        }
    }

    fn multiplicity_max(&self) -> u32 {
        self.parameters.substeps
    }

    fn initial(&self) -> [f64; STATE] {
        [self.parameters.initial_mv, self.parameters.initial_w_pa, 0.0, 0.0, 0.0]
    }

    fn step(&self, state: &mut [f64; STATE], arrived: &[f64; RECEPTORS], drive: f64) -> u32 {
        let drive_pa = clipped(self.parameters.drive_pa + drive);
        let mut fired = 0;
        for _ in 0..self.parameters.substeps {
            fired += self.substep(state, drive_pa);
        }
        for (conductance, arrived) in state[2..4].iter_mut().zip(arrived) {
            // Never below zero, whatever the weights.
            *conductance = clipped(*conductance + clipped(*arrived)).max(0.0);
        }
        fired
    }
}

impl Adex {
    fn substep(&self, state: &mut [f64; STATE], drive_pa: f64) -> u32 {
        let parameters = &self.parameters;
        let [v, w, excitatory, inhibitory, refractory] = *state;
        let before = [excitatory, inhibitory];
        let after = [excitatory * self.whole[0], inhibitory * self.whole[1]];
        if refractory > 0.0 {
            let settled = parameters.a_ns * (v - parameters.rest_mv);
            let w = clipped(settled + (w - settled) * self.w_left);
            *state = [v, w, after[0], after[1], refractory - 1.0];
            return 0;
        }
        let middle = [excitatory * self.half[0], inhibitory * self.half[1]];
        let [v, w] = self.moved([v, w], [before, middle, after], drive_pa);
        let fires = v >= parameters.peak_mv;
        *state = if fires {
            let w = clipped(w + parameters.b_pa);
            [parameters.reset_mv, w, after[0], after[1], self.refractory_steps]
        } else {
            [v, w, after[0], after[1], 0.0]
        };
        u32::from(fires)
    }

    /// v and w an integration step later, given the conductances at its start, middle and end.
    fn moved(&self, [v, w]: [f64; 2], conductances: [[f64; 2]; 3], drive_pa: f64) -> [f64; 2] {
        let h = self.step_ms;
        let at = |slopes: [f64; 2], ms: f64| [v + ms * slopes[0], w + ms * slopes[1]];
        let [start, middle, end] = conductances;
        let first = self.slopes([v, w], start, drive_pa);
        let second = self.slopes(at(first, 0.5 * h), middle, drive_pa);
        let third = self.slopes(at(second, 0.5 * h), middle, drive_pa);
        let fourth = self.slopes(at(third, h), end, drive_pa);
        let mean =
            |of: usize| (first[of] + 2.0 * second[of] + 2.0 * third[of] + fourth[of]) * (1.0 / 6.0);
        at([mean(0), mean(1)], h).map(clipped)
    }

    /// v' and w'. From a clipped state, four stages stay below 1e300: steps are no longer than the
    /// time constants, so one multiplies v by 1e60 at most.
    #[inline]
    fn slopes(&self, state: [f64; 2], conductances: [f64; 2], drive_pa: f64) -> [f64; 2] {
        let parameters = &self.parameters;
        let [v, w] = state;
        let v = v.min(parameters.peak_mv);
        let leak = parameters.leak_ns * (v - parameters.rest_mv);
        let above = (v - parameters.threshold_mv) / parameters.slope_mv;
        let spike = parameters.leak_ns * parameters.slope_mv * exp(above);
        let [excitatory, inhibitory] = conductances;
        let synaptic = excitatory * (v - parameters.excitatory_mv)
            + inhibitory * (v - parameters.inhibitory_mv);
        let v_slope = (spike - leak - synaptic - w + drive_pa) / parameters.capacitance_pf;
        let w_slope = (parameters.a_ns * (v - parameters.rest_mv) - w) / parameters.tau_w_ms;
        [v_slope, w_slope]
    }
}

#[cfg(test)]
#[path = "adex_tests.rs"]
mod tests;
