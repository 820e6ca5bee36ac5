//! A time before which a neuron certainly doesn't cross its threshold, cheaply.
//!
//! With m as the slope that v would have if every current that inhibits were gone and every other
//! were at its peak, `v(t) <= v + m tau (1 - exp(-t / tau))`: nothing crosses before that reaches
//! the threshold, nor ever if it doesn't, nor ever if all that the currents can still add doesn't.
//!
//! Where that is soon, one level higher: the slope w that v has rises only as inhibition fades, so
//! `v(t) <= v + w t + (J - w / tau) t^2 / 2` with J as the most that the currents' sum can rise in
//! a tick.
//!
//! Both keep clear of rounding: the search must find nothing before a bound, whoever asks.

use super::{
    course::Point,
    parameters::{Linear, ModeKind},
};

/// Share of all that is added up, and of the time, by which a bound is too low.
pub(super) const ROUNDING: f64 = 1e-10;
/// Share of tau within which a bound is worth a second look.
const SOON: f64 = 0.3;

/// A time \[ticks\] before which a neuron doesn't cross; infinite if it never does.
#[inline]
pub(super) fn no_crossing_before<const N: usize>(linear: &Linear, point: &Point<N>) -> f64 {
    let (mut excited_mv, mut reach_mv) = (0.0, 0.0);
    let mut rounding_mv = linear.rounding_mv + ROUNDING * point.v_mv.abs();
    for (x, mode) in point.modes.iter().zip(linear.states::<N>()) {
        let up = x.max(0.0);
        excited_mv += up * mode.peak;
        reach_mv += up * mode.reach;
        rounding_mv += x.abs() * mode.rounding;
    }
    let gap_mv = linear.threshold_mv - point.v_mv - rounding_mv;
    let reached_mv = (linear.settled_mv_max - point.v_mv).max(0.0) + reach_mv;
    let slope = linear.drive_rate + linear.rate * excited_mv - linear.leak * point.v_mv;
    if gap_mv <= 0.0 {
        return 0.0;
    }
    if reached_mv < gap_mv || slope <= linear.leak * gap_mv {
        return f64::INFINITY;
    }
    // -tau ln(1 - bend) from below.
    let straight = gap_mv / slope;
    let bend = straight * linear.leak;
    let ticks = straight * (1.0 + bend * (0.5 + bend * (1.0 / 3.0)));
    if N > 0 && bend < SOON {
        return ticks.max(by_slope(linear, point, gap_mv)) * (1.0 - ROUNDING);
    }
    ticks * (1.0 - ROUNDING)
}

/// Whether a neuron certainly doesn't cross within some ticks, at a glance: no division, and hardly
/// a branch. `false` says nothing.
#[inline]
pub(super) fn surely_none_within<const N: usize>(
    linear: &Linear,
    point: &Point<N>,
    ticks: f64,
) -> bool {
    let (mut excited_mv, mut reach_mv) = (0.0, 0.0);
    let mut rounding_mv = linear.rounding_mv + ROUNDING * point.v_mv.abs();
    for (x, mode) in point.modes.iter().zip(linear.states::<N>()) {
        let up = x.max(0.0);
        excited_mv += up * mode.peak;
        reach_mv += up * mode.reach;
        rounding_mv += x.abs() * mode.rounding;
    }
    let gap_mv = linear.threshold_mv - point.v_mv - rounding_mv;
    let reached_mv = (linear.settled_mv_max - point.v_mv).max(0.0) + reach_mv;
    let slope = linear.drive_rate + linear.rate * excited_mv - linear.leak * point.v_mv;
    let never = (reached_mv < gap_mv) | (slope <= linear.leak * gap_mv);
    (gap_mv > 0.0) & (never | (slope * ticks < gap_mv * (1.0 - ROUNDING)))
}

/// The same from the slope that v has, and from how fast that can rise.
#[inline]
fn by_slope<const N: usize>(linear: &Linear, point: &Point<N>, gap_mv: f64) -> f64 {
    let states = linear.states::<N>();
    let (mut gap_mv, mut current_mv, mut rise, mut sinking) = (gap_mv, 0.0, 0.0, 0.0);
    for (i, (&x, mode)) in point.modes.iter().zip(states).enumerate() {
        match mode.kind {
            ModeKind::Exponential => {
                current_mv += x;
                rise += (-x).max(0.0) * mode.fade;
            }
            ModeKind::Alpha => {
                let (rising, next) = (point.modes[i + 1], &states[i + 1]);
                current_mv += x;
                rise += ((rising - x).max(0.0) + (-rising).max(0.0) * next.peak) * mode.fade;
            }
            ModeKind::AlphaRise => {}
            ModeKind::Adaptation => {
                gap_mv += x;
                sinking += x * mode.fade;
            }
        }
    }
    let slope = linear.drive_rate + linear.rate * current_mv - linear.leak * point.v_mv;
    let bend = (linear.rate * rise - linear.leak * slope).max(0.0);
    let slope = slope + sinking;
    let root = (slope * slope + 2.0 * bend * gap_mv).sqrt();
    if slope > 0.0 { 2.0 * gap_mv / (root + slope) } else { (root - slope) / bend }
}
