//! The first crossing of the threshold in an interval between arrivals, exactly.
//!
//! Branch and bound on `above(t) = v(t) - threshold(t)`. In an interval currents lie between their
//! values at its ends (an alpha's within what its rise can add), hence v, hence the slope of
//! `above`. Where that has one sign, the ends decide; where the lines from both ends with the
//! extreme slopes meet below zero, nothing crosses. Otherwise the interval is halved, the earlier
//! half first. The width of the bounds shrinks with the interval's square, so an excursion over
//! the threshold is missed only if rounding hides it.

use super::{
    bound::ROUNDING,
    course::Point,
    parameters::{Linear, Mode, ModeKind},
};

/// Share of all that is added up that counts as rounding in an excursion.
const NOISE: f64 = 1e-15;
/// Halvings after which the ends alone decide. An excursion just above the noise takes about 60.
const HALVINGS_MAX: u32 = 512;
/// Steps of Newton's method on a cubic that is nearly straight.
const CUBIC_STEPS: u32 = 3;
/// Share of an interval whose square is below rounding.
const STRAIGHT: f64 = 1e-9;
/// Steps to a root; Newton's method needs one or two, halving alone 60.
const ROOT_STEPS_MAX: u32 = 100;

/// A neuron from its last arrival or crossing on.
pub(super) struct Search<'a, const N: usize> {
    linear: &'a Linear,
    base: Point<N>,
    noise_mv: f64,
    halvings: u32,
}

/// The neuron at one time.
#[derive(Clone, Copy)]
pub(super) struct Sight<const N: usize> {
    /// Since the last arrival or crossing.
    pub(super) ticks: f64,
    pub(super) point: Point<N>,
    above_mv: f64,
}

/// Bounds of the slope of `above` \[mV a tick\] in an interval.
struct Slopes {
    least: f64,
    most: f64,
}

impl<'a, const N: usize> Search<'a, N> {
    pub(super) fn new(linear: &'a Linear, base: Point<N>) -> Self {
        let states = base.modes.iter().zip(linear.states::<N>());
        let states_mv: f64 = states.map(|(x, mode)| x.abs() * mode.reach.max(1.0)).sum();
        let noise_mv =
            linear.rounding_mv * (NOISE / ROUNDING) + NOISE * (base.v_mv.abs() + states_mv);
        Self { linear, base, noise_mv, halvings: 0 }
    }

    pub(super) fn sight(&self, ticks: f64, point: Point<N>) -> Sight<N> {
        let above_mv = point.v_mv - threshold_mv(self.linear, &point);
        Sight { ticks, point, above_mv }
    }

    pub(super) fn fires(&self, sight: &Sight<N>) -> bool {
        self.linear.fires(sight.above_mv, 0.0)
    }

    /// The first crossing between two times, at the first of which it doesn't fire.
    pub(super) fn first(&mut self, from: &Sight<N>, to: &Sight<N>) -> Option<f64> {
        let fires = self.fires(to);
        let slopes = self.slopes(from, to);
        if !fires && (slopes.most <= 0.0 || self.stays_below(from, to, &slopes)) {
            return None;
        }
        let middle = from.ticks + (to.ticks - from.ticks) * 0.5;
        let divides = from.ticks < middle && middle < to.ticks && self.halvings < HALVINGS_MAX;
        if slopes.least >= 0.0 || !divides {
            return fires.then(|| self.root(from, to));
        }
        self.halvings += 1;
        let middle = self.at(middle);
        if self.fires(&middle) {
            return self.first(from, &middle);
        }
        self.first(from, &middle).or_else(|| self.first(&middle, to))
    }

    fn at(&self, ticks: f64) -> Sight<N> {
        self.sight(ticks, self.base.after(self.linear, &self.linear.row_over(ticks)))
    }

    /// Whether the lines from both ends with the extreme slopes, which bound `above`, meet below
    /// zero. The slopes have different signs.
    fn stays_below(&self, from: &Sight<N>, to: &Sight<N>, slopes: &Slopes) -> bool {
        let span = to.ticks - from.ticks;
        let Slopes { least, most } = *slopes;
        let meet = (to.above_mv - from.above_mv - least * span) / (most - least);
        from.above_mv + most * meet.clamp(0.0, span) <= self.noise_mv
    }

    fn slopes(&self, from: &Sight<N>, to: &Sight<N>) -> Slopes {
        let span = to.ticks - from.ticks;
        let (mut least_mv, mut most_mv, mut sinking) = (0.0, 0.0, [0.0; 2]);
        let ends = from.point.modes.iter().zip(&to.point.modes);
        for (i, ((&x, &later), mode)) in ends.zip(self.linear.states::<N>()).enumerate() {
            match mode.kind {
                ModeKind::Exponential => {
                    least_mv += x.min(later);
                    most_mv += x.max(later);
                }
                ModeKind::Alpha => {
                    let rises = [from.point.modes[i + 1], to.point.modes[i + 1]];
                    let moved = (span * mode.fade).min(1.0);
                    least_mv += x + (rises[0].min(rises[1]) - x).min(0.0) * moved;
                    most_mv += x + (rises[0].max(rises[1]) - x).max(0.0) * moved;
                }
                ModeKind::AlphaRise => {}
                ModeKind::Adaptation => sinking = [later * mode.fade, x * mode.fade],
            }
        }
        let Linear { drive_rate, rate, leak, .. } = *self.linear;
        let v_mv = from.point.v_mv;
        let [down, up] = [least_mv, most_mv].map(|current_mv| drive_rate + rate * current_mv);
        // How far v gets if it goes straight, as it would fastest without a leak.
        let far = if leak == 0.0 { span } else { span.min(1.0 / leak) };
        let v_mv_least = v_mv + (down - leak * v_mv).min(0.0) * far;
        let v_mv_most = v_mv + (up - leak * v_mv).max(0.0) * far;
        Slopes {
            least: down - leak * v_mv_most + sinking[0],
            most: up - leak * v_mv_least + sinking[1],
        }
    }

    /// A crossing between two times, at the second of which it fires: Newton's method, begun where a
    /// cubic through both ends crosses, and kept in a bracket that shrinks at every step.
    fn root(&self, from: &Sight<N>, to: &Sight<N>) -> f64 {
        let (mut low, mut high) = (from.ticks, to.ticks);
        let span = high - low;
        let slopes = [self.slope(&from.point), self.slope(&to.point)];
        let mut next = low + span * cubic_root([from.above_mv, to.above_mv], slopes, span);
        for _ in 0..ROOT_STEPS_MAX {
            if !(low < next && next < high) {
                next = low + (high - low) * 0.5;
                if !(low < next && next < high) {
                    break;
                }
            }
            let sight = self.at(next);
            let (above_mv, slope) = (sight.above_mv, self.slope(&sight.point));
            *(if self.fires(&sight) { &mut high } else { &mut low }) = next;
            let step = above_mv / slope;
            let refined = next - step;
            // Where the slope hardly changes, the next step would be as small as the square of this.
            let is_straight =
                (slope - slopes[0]).abs() <= slope && (slope - slopes[1]).abs() <= slope;
            let enough = if is_straight { STRAIGHT * span } else { f64::EPSILON * next };
            if step.abs() <= enough {
                return refined.clamp(from.ticks, to.ticks);
            }
            next = refined;
        }
        high
    }

    fn slope(&self, point: &Point<N>) -> f64 {
        let (mut current_mv, mut sinking) = (0.0, 0.0);
        for (x, mode) in point.modes.iter().zip(self.linear.states::<N>()) {
            match mode.kind {
                ModeKind::Exponential | ModeKind::Alpha => current_mv += x,
                ModeKind::AlphaRise => {}
                ModeKind::Adaptation => sinking += x * mode.fade,
            }
        }
        let Linear { drive_rate, rate, leak, .. } = *self.linear;
        drive_rate + rate * current_mv - leak * point.v_mv + sinking
    }
}

/// Where in 0 to 1 the cubic with these values and slopes at the ends crosses zero from below, about.
fn cubic_root([first, last]: [f64; 2], slopes: [f64; 2], span: f64) -> f64 {
    let [rise, end] = slopes.map(|slope| slope * span);
    let (square, cube) =
        (3.0 * (last - first) - 2.0 * rise - end, 2.0 * (first - last) + rise + end);
    let mut at = first / (first - last);
    for _ in 0..CUBIC_STEPS {
        let value = first + at * (rise + at * (square + at * cube));
        let slope = rise + at * (2.0 * square + at * (3.0 * cube));
        at -= value / slope;
    }
    at
}

/// Whether drive and excitation can't bring a neuron to a threshold that it is below. Without this
/// one that settles at the threshold itself would round up to it. `safety` is a factor on the
/// excitation, and `peak` the most that a state becomes.
fn cannot_reach<const N: usize>(
    linear: &Linear,
    point: &Point<N>,
    safety: f64,
    peak: impl Fn(&Mode) -> f64,
) -> bool {
    let states = point.modes.iter().zip(linear.states::<N>());
    let excited_mv: f64 = states.map(|(x, mode)| x.max(0.0) * peak(mode)).sum();
    let Linear { drive_rate, rate, leak, threshold_mv, .. } = *linear;
    drive_rate + rate * excited_mv * safety <= leak * threshold_mv
}

/// Whether a neuron that is below its threshold stays there. Above what adaptation lets the
/// threshold fall to, it need not rise to cross it.
pub(super) fn never<const N: usize>(linear: &Linear, point: &Point<N>) -> bool {
    point.v_mv <= linear.threshold_mv && cannot_reach(linear, point, 1.0, |mode| mode.peak)
}

/// Whether [`never`] will hold at every later time. Of an alpha's states not the peak is certain to
/// fall but their sum.
pub(super) fn nevermore<const N: usize>(linear: &Linear, point: &Point<N>) -> bool {
    cannot_reach(linear, point, 1.0 + ROUNDING, |mode| if mode.peak > 0.0 { 1.0 } else { 0.0 })
}

/// The threshold, which adaptation may have raised.
pub(super) fn threshold_mv<const N: usize>(linear: &Linear, point: &Point<N>) -> f64 {
    let states = point.modes.iter().zip(linear.states::<N>());
    let raised = states.filter(|(_, mode)| mode.kind == ModeKind::Adaptation);
    raised.fold(linear.threshold_mv, |threshold_mv, (x, _)| threshold_mv + x)
}
