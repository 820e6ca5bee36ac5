//! Where a neuron is after some time without arrivals, in closed form.
//!
//! With s as where v settles, `P = exp(-t / tau)`, tau_s as the time constant of a current:
//!
//! * v goes to `s + (v - s) P + sum of x K(t)` over its states x;
//! * a current x goes to `x D`, `D = exp(-t / tau_s)`, that of an alpha to `(x + z t / tau_s) D`;
//! * for a current that decays, `K = (exp(-t / tau_s) - exp(-t / tau)) tau_s / (tau_s - tau)`;
//! * for the rise z of an alpha, `K = 1 / tau  integral of (u / tau_s) exp(-u / tau_s)
//!   exp((u - t) / tau)` over u from 0 to t.
//!
//! Both K are written with the larger of the two exponentials and a function of
//! `d = t |1 / tau_s - 1 / tau|` alone, smooth where the time constants are equal and finite
//! everywhere. Without leak P is 1, 1 / tau goes to 0 and the factor before the integral to the
//! length of a tick; `s + (v - s) P` becomes `v + s t`.
//!
//! Arrivals lie on whole ticks, so courses over whole ticks are looked up: in rows
//! `[P, D, K, D, K, …]` of a power of two of numbers. The table holds what the functions give.

use std::sync::Arc;

use super::{
    bound::FOREVER,
    parameters::{Linear, Mode, ModeKind},
};
use crate::{
    math::{exp, exp_m1, ln},
    neuron::moment::Moment,
};

/// Whole ticks that are looked up.
const INTERVALS: u16 = 1_024;
/// Below it the function of an alpha is a series: the closed forms would cancel.
const SERIES_BELOW: f64 = 0.5;
/// Terms of that series; the next is below 1e-19.
const SERIES_TERMS: usize = 16;
/// Share of its time by which the peak of a K may lie elsewhere.
const PEAK_ZONE: f64 = 0.01;

/// A neuron's state at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point<const N: usize> {
    pub(super) v_mv: f64,
    pub(super) modes: [f64; N],
}

/// The course over some time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row<const N: usize> {
    ticks: f64,
    /// What is left of v's distance from where it settles.
    decay: f64,
    steps: [Step; N],
}

/// One state's part in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    /// What is left of the state.
    pub(super) decay: f64,
    /// What a state of 1 adds to v.
    pub(super) push: f64,
}

impl<const N: usize> Point<N> {
    /// Where it is after the time of a row.
    #[inline]
    pub(super) fn after(&self, linear: &Linear, row: &Row<N>) -> Self {
        let settled_mv = linear.settled_mv;
        let mut v_mv = if linear.leaks() {
            settled_mv + (self.v_mv - settled_mv) * row.decay
        } else {
            self.v_mv + settled_mv * row.ticks
        };
        let mut modes = self.modes;
        if linear.has_alpha {
            let states = linear.states::<N>();
            for i in 1..N {
                modes[i - 1] += states[i - 1].feed * row.ticks * self.modes[i];
            }
        }
        if N > 0 {
            let mut pushed_mv = 0.0;
            for ((mode, before), step) in modes.iter_mut().zip(self.modes).zip(&row.steps) {
                *mode *= step.decay;
                pushed_mv += before * step.push;
            }
            v_mv += pushed_mv;
        }
        Self { v_mv, modes }
    }
}

impl Linear {
    /// The course from a moment to a tick that isn't before it.
    #[inline]
    pub(super) fn row<const N: usize>(&self, since: Moment, tick: u64) -> Row<N> {
        let whole = tick - since.tick;
        if since.fraction == 0.0 && whole < INTERVALS.into() {
            let start = interval(whole) * stride(N);
            if let Some(row) = self.rows.get(start..start + 1 + 2 * N) {
                let step = |i: usize| Step { decay: row[1 + 2 * i], push: row[2 + 2 * i] };
                let steps = std::array::from_fn(step);
                return Row { ticks: whole as f64, decay: row[0], steps };
            }
        }
        self.row_over(since.until(tick))
    }

    /// What is left of v's distance from where it settles, and each state's part, after whole ticks
    /// that are looked up.
    pub(super) fn whole_ticks<const N: usize>(&self, ticks: u64) -> (f64, [Step; N]) {
        let row = &self.rows[interval(ticks) * stride(N)..][..1 + 2 * N];
        let step = |i: usize| Step { decay: row[1 + 2 * i], push: row[2 + 2 * i] };
        (row[0], std::array::from_fn(step))
    }

    /// What is left of each state after whole ticks.
    pub(super) fn fades<const N: usize>(&self, ticks: u64) -> [f64; N] {
        if self.has_tables() {
            return self.whole_ticks::<N>(ticks).1.map(|step| step.decay);
        }
        self.states::<N>().each_ref().map(|mode| exp(-(ticks as f64) / mode.tau_ticks))
    }

    /// The row of whole ticks, and whether they are looked up; if not, it means nothing.
    #[inline(always)]
    pub(super) fn usual_interval(&self, since: Moment, tick: u64) -> (usize, bool) {
        // Of what lies ahead, the difference is beyond any table.
        let whole = tick.wrapping_sub(since.tick);
        let is_usual = (since.fraction.to_bits() == 0) & (whole < INTERVALS.into());
        (interval(if is_usual { whole } else { 0 }), is_usual)
    }

    /// The course over so many ticks.
    #[cold]
    #[inline(never)]
    pub(super) fn row_over<const N: usize>(&self, ticks: f64) -> Row<N> {
        let decay = exp(-ticks / self.tau_ticks);
        let steps = self.states::<N>().map(|mode| step(self, &mode, ticks, decay));
        Row { ticks, decay, steps }
    }
}

/// The row of an interval; the first that there isn't for one that is too long.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "not above a u16")]
fn interval(ticks: u64) -> usize {
    ticks.min(INTERVALS.into()) as usize
}

/// Numbers from one row to the next: rows of up to three states don't cross cache lines.
pub(super) const fn stride(modes: usize) -> usize {
    (1 + 2 * modes).next_power_of_two()
}

/// The rows of all intervals that are looked up.
pub(super) fn table(linear: &Linear) -> Arc<[f64]> {
    let modes = linear.all_states();
    let mut numbers = Vec::with_capacity(usize::from(INTERVALS) * stride(modes.len()));
    for interval in 0..INTERVALS {
        let ticks = f64::from(interval);
        let decay = exp(-ticks / linear.tau_ticks);
        numbers.push(decay);
        for mode in modes {
            let step = step(linear, mode, ticks, decay);
            numbers.extend([step.decay, step.push]);
        }
        numbers.resize((usize::from(interval) + 1) * stride(modes.len()), 0.0);
    }
    numbers.into()
}

/// One state's part in the course over some time, which may be all that is to come.
pub(super) fn step_over(linear: &Linear, mode: &Mode, ticks: f64) -> Step {
    if ticks == FOREVER {
        let stays = !linear.leaks() && mode.kind != ModeKind::Adaptation;
        return Step { decay: 0.0, push: if stays { linear.rate * mode.tau_ticks } else { 0.0 } };
    }
    step(linear, mode, ticks, linear.decay_over(ticks))
}

fn step(linear: &Linear, mode: &Mode, ticks: f64, membrane_decay: f64) -> Step {
    let decay = exp(-ticks / mode.tau_ticks);
    let push = match mode.kind {
        ModeKind::Adaptation => 0.0,
        ModeKind::Exponential | ModeKind::Alpha => {
            exponential_push(linear, mode.tau_ticks, ticks, [decay, membrane_decay])
        }
        ModeKind::AlphaRise => alpha_push(linear, mode.tau_ticks, ticks, [decay, membrane_decay]),
    };
    Step { decay, push }
}

/// K of a current that decays.
fn exponential_push(linear: &Linear, tau_ticks: f64, ticks: f64, decays: [f64; 2]) -> f64 {
    let difference = ticks * (1.0 / tau_ticks - linear.leak);
    let [current, membrane] = decays;
    let slower = if difference > 0.0 { membrane } else { current };
    slower * (linear.rate * ticks) * mean_of_exp(difference.abs())
}

/// K of an alpha's rise.
fn alpha_push(linear: &Linear, tau_ticks: f64, ticks: f64, decays: [f64; 2]) -> f64 {
    let difference = ticks * (1.0 / tau_ticks - linear.leak);
    let [current, membrane] = decays;
    let (slower, moment) = if difference > 0.0 {
        (membrane, moment_of_exp(difference))
    } else {
        (current, tail_of_exp(-difference))
    };
    slower * (linear.rate * ticks) * (ticks / tau_ticks * moment)
}

/// The integral of `exp(-d u)` over u from 0 to 1: `(1 - exp(-d)) / d`.
fn mean_of_exp(d: f64) -> f64 {
    if d == 0.0 { 1.0 } else { -exp_m1(-d) / d }
}

/// The integral of `u exp(-d u)` over u from 0 to 1: `(1 - (1 + d) exp(-d)) / d^2`.
fn moment_of_exp(d: f64) -> f64 {
    if d < SERIES_BELOW {
        return series(d, |k| 1.0 / f64::from(k + 2));
    }
    (-exp_m1(-d) - d * exp(-d)) / (d * d)
}

/// The integral of `(1 - u) exp(-d u)` over u from 0 to 1: `(exp(-d) - 1 + d) / d^2`.
fn tail_of_exp(d: f64) -> f64 {
    if d < SERIES_BELOW {
        return series(d, |k| 1.0 / f64::from((k + 1) * (k + 2)));
    }
    (exp_m1(-d) + d) / (d * d)
}

/// Sum of `(-d)^k / k!` times a weight, from the smallest term up.
fn series(d: f64, weight: impl Fn(u32) -> f64) -> f64 {
    let mut terms = [0.0; SERIES_TERMS];
    let mut power = 1.0;
    for (k, term) in (0..).zip(&mut terms) {
        *term = power * weight(k);
        power *= -d / f64::from(k + 1);
    }
    terms.iter().rev().sum()
}

/// The most that a current of 1 that decays ever adds to v, from below.
pub(super) fn exponential_reach(linear: &Linear, tau_ticks: f64) -> f64 {
    if !linear.leaks() {
        return linear.rate * tau_ticks;
    }
    // K peaks where it is as large as the current.
    let peak_ticks = exponential_peak_ticks(linear, tau_ticks);
    (exp(-peak_ticks / tau_ticks) * (1.0 + 1e-6)).min(1.0)
}

/// When K of a current that decays peaks, where there is a leak.
fn exponential_peak_ticks(linear: &Linear, tau_ticks: f64) -> f64 {
    let ratio = linear.tau_ticks / tau_ticks;
    if (ratio - 1.0).abs() < 1e-4 {
        // It lies between the two time constants.
        linear.tau_ticks.min(tau_ticks)
    } else {
        linear.tau_ticks * ln(ratio) / (ratio - 1.0)
    }
}

/// Until when K certainly rises. That of an alpha's rise does so while the current rises, which v
/// lags behind.
pub(super) fn rises_until_ticks(linear: &Linear, mode: &Mode) -> f64 {
    match mode.kind {
        _ if !linear.leaks() => FOREVER,
        ModeKind::AlphaRise => mode.tau_ticks * (1.0 - PEAK_ZONE),
        _ => exponential_peak_ticks(linear, mode.tau_ticks) * (1.0 - PEAK_ZONE),
    }
}

/// From when on K certainly falls. That of an alpha's rise is three decays in a row, which peak
/// before the sum of their time constants.
pub(super) fn falls_from_ticks(linear: &Linear, mode: &Mode) -> f64 {
    match mode.kind {
        _ if !linear.leaks() => FOREVER,
        ModeKind::AlphaRise => mode.tau_ticks * 2.0 + linear.tau_ticks,
        _ => exponential_peak_ticks(linear, mode.tau_ticks) * (1.0 + PEAK_ZONE),
    }
}

/// An upper bound for the same of an alpha's rise of 1: its integral, and its peak.
pub(super) fn alpha_reach(linear: &Linear, tau_ticks: f64) -> f64 {
    let integral = linear.rate * tau_ticks;
    if linear.leaks() { integral.min(exp(-1.0)) } else { integral }
}
