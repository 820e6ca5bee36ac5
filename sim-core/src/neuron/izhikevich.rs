//! Izhikevich (2003): `v' = 0.04 v² + 5 v + 140 - u + I`, `u' = a (b v - u)`.
//!
//! Integrated with steps of h by one of two schemes, named in [`Scheme`], both of first order:
//! v is compared with its peak at the end of each integration step, and spike times are off by as
//! much. Brackets and order of the sums are those of the published code.

use super::clocked::{Clocked, clipped};
use crate::{
    network::neurons::{Input, IzhikevichParameters, Scheme, period_ms},
    time::TickLength,
};

/// v and u.
pub(crate) const STATE: usize = 2;
/// One sum.
pub(crate) const RECEPTORS: usize = 1;

#[derive(Clone, Debug)]
pub(crate) struct Izhikevich {
    b: f64,
    c: f64,
    d: f64,
    peak: f64,
    drive: f64,
    /// h, and what multiplies the slopes of half a step and of u.
    step_ms: f64,
    half_ms: f64,
    step_a: f64,
    substeps: u32,
    published: bool,
    /// What multiplies an arrival to make it a current, and to add it to v: one is 0, one is 1,
    /// which leaves a loop over neurons without branches.
    to_current: f64,
    to_potential: f64,
    initial: [f64; STATE],
}

impl Clocked<STATE, RECEPTORS> for Izhikevich {
    type Parameters = IzhikevichParameters;

    fn new(parameters: &IzhikevichParameters, tick: TickLength, period_ticks: u32) -> Self {
        let step_ms = period_ms(tick, period_ticks) / f64::from(parameters.substeps);
        let (to_current, to_potential) = match parameters.input {
            Input::Current => (1.0, 0.0),
            Input::Potential => (0.0, 1.0),
        };
        Self {
            b: parameters.b,
            c: parameters.c,
            d: parameters.d,
            peak: parameters.peak,
            drive: parameters.drive,
            step_ms,
            half_ms: step_ms * 0.5,
            step_a: step_ms * parameters.a,
            substeps: parameters.substeps,
            published: parameters.scheme == Scheme::Published,
            to_current,
            to_potential,
            initial: [parameters.initial_v, parameters.initial_u],
        }
    }

    fn multiplicity_max(&self) -> u32 {
        self.substeps
    }

    fn initial(&self) -> [f64; STATE] {
        self.initial
    }

    #[inline]
    fn step(&self, state: &mut [f64; STATE], arrived: &[f64; RECEPTORS], drive: f64) -> u32 {
        let drive = clipped(self.drive + drive);
        let mut fired = 0;
        for substep in 1..=self.substeps {
            let jump = self.jump(substep);
            fired += if self.published {
                self.substep::<true>(state, arrived[0], drive, jump)
            } else {
                self.substep::<false>(state, arrived[0], drive, jump)
            };
        }
        fired
    }

    fn sweep(
        &self,
        [v, u]: [&mut [f64]; STATE],
        [arrived]: [&[f64]; RECEPTORS],
        drive: f64,
        fired: &mut [u32],
    ) {
        let drive = clipped(self.drive + drive);
        fired.fill(0);
        for substep in 1..=self.substeps {
            let jump = self.jump(substep);
            if self.published {
                self.substeps::<true>([v, u], arrived, drive, jump, fired);
            } else {
                self.substeps::<false>([v, u], arrived, drive, jump, fired);
            }
        }
    }
}

impl Izhikevich {
    /// What is added to v comes with the last integration step, which ends at the tick.
    #[inline]
    fn jump(&self, substep: u32) -> f64 {
        if substep == self.substeps { self.to_potential } else { 0.0 }
    }

    /// One integration step of many neurons; the compiler makes vectors of it.
    #[inline]
    fn substeps<const PUBLISHED: bool>(
        &self,
        [v, u]: [&mut [f64]; STATE],
        arrived: &[f64],
        drive: f64,
        jump: f64,
        fired: &mut [u32],
    ) {
        for (((v, u), arrived), fired) in v.iter_mut().zip(u).zip(arrived).zip(fired) {
            let mut state = [*v, *u];
            *fired += self.substep::<PUBLISHED>(&mut state, *arrived, drive, jump);
            [*v, *u] = state;
        }
    }

    /// One integration step; 1 if v reached its peak.
    #[inline(always)]
    fn substep<const PUBLISHED: bool>(
        &self,
        state: &mut [f64; STATE],
        arrived: f64,
        drive: f64,
        jump: f64,
    ) -> u32 {
        let arrived = clipped(arrived);
        let current = drive + self.to_current * arrived;
        let [mut v, mut u] = *state;
        if PUBLISHED {
            v += self.half_ms * slope(v, u, current);
            v += self.half_ms * slope(v, u, current);
            u += self.step_a * (self.b * v - u);
        } else {
            let before = v;
            v += self.step_ms * slope(v, u, current);
            u += self.step_a * (self.b * before - u);
        }
        v = clipped(v + jump * arrived);
        let fires = v >= self.peak;
        let jumped = u + self.d;
        *state = [if fires { self.c } else { v }, clipped(if fires { jumped } else { u })];
        u32::from(fires)
    }
}

/// v'.
#[inline(always)]
fn slope(v: f64, u: f64, current: f64) -> f64 {
    0.04 * v * v + 5.0 * v + 140.0 - u + current
}

#[cfg(test)]
#[path = "izhikevich_tests.rs"]
mod tests;
