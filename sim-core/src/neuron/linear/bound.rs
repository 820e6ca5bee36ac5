//! How long a neuron certainly doesn't cross its threshold, and how clear of it it stays.
//!
//! Without arrivals v is `s + (v - s) P(t) + sum of x K(t)` over its states (see `course`). In an
//! interval each term lies between its values at the ends, or reaches the peak of its K, which
//! rises once and falls once; so does the sum. A *ladder* holds these extremes for intervals that
//! grow, the last without end: climbing it takes no exponential and no division.
//!
//! What arrives is added to the course (superposition), and an arrival of 1 mV lifts v by no more
//! than the peak of its K: as long as the sum of all lifts is below what the course stays clear of
//! the threshold, nothing crosses, and nobody need look again. That sum is all an arrival costs.
//!
//! All keep clear of rounding: where a bound says so, the search of `crossing` finds nothing.

use std::sync::Arc;

use super::{
    course::{self, Point},
    parameters::{Linear, Mode, ModeKind},
};

/// Share of all that is added up by which a bound is too high.
pub(super) const ROUNDING: f64 = 1e-10;
/// Share of the clearance of the next ticks that a neuron must keep for as long as it isn't looked
/// at: the more, the sooner it is looked at anyway; the less, the sooner arrivals use it up.
const KEPT: f64 = 0.4;
/// Time constants after which nothing is left of a course.
const TAUS: f64 = 64.0;
/// The first interval of the far ladder, as a share of the shortest time constant.
const FIRST: f64 = 0.25;
/// The latest end of that interval \[ticks\].
const FIRST_MAX: u64 = 1 << 40;
/// The end of the last interval \[ticks\].
pub(super) const FOREVER: f64 = f64::MAX;

/// What is known of a neuron's course without another arrival.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outlook {
    /// Whole ticks in which it doesn't cross; [`u64::MAX`] if it never does.
    pub(super) ticks: u64,
    /// How far it stays below the threshold in them \[mV\].
    pub(super) clearance_mv: f64,
}

/// Extremes of a course in intervals: a coarse ladder and, where that doesn't help, a fine one.
#[derive(Clone, Debug)]
pub(super) struct Ladders {
    far: Ladder,
    near: Ladder,
}

/// Intervals from the present on, the first from 0, each from the end of the one before.
#[derive(Clone, Debug)]
struct Ladder {
    /// Where each ends \[ticks\].
    ends: Arc<[u64]>,
    /// For each, two factors a term of the course: of v (P at both ends, without leak the ticks),
    /// and of each state (the highest and the lowest K; of adaptation, what it takes from the
    /// threshold's distance at both ends).
    factors: Arc<[[f64; 2]]>,
}

impl Ladders {
    /// None yet.
    pub(super) fn none() -> Self {
        let none = || Ladder { ends: Arc::new([]), factors: Arc::new([]) };
        Self { far: none(), near: none() }
    }

    /// Of a neuron with its states; each interval ends `ratio` times as late as the one before.
    pub(super) fn new(linear: &Linear, ratio: u64) -> Self {
        let modes = linear.all_states().iter();
        let taus = modes.map(|mode| mode.tau_ticks).chain([linear.tau_ticks]);
        let finite = taus.filter(|tau| tau.is_finite());
        let [shortest, longest] =
            finite.fold([f64::MAX, 1.0], |[low, high], tau| [tau.min(low), tau.max(high)]);
        let mut first = 1;
        while first < FIRST_MAX && first as f64 * 2.0 <= shortest.min(longest) * FIRST {
            first *= 2;
        }
        // Time has an end, too, which the last interval takes in.
        let goes_on = |end: u64| end as f64 <= longest * TAUS && end < u64::MAX / 4 / ratio;
        let grow = |&end: &u64| goes_on(end).then(|| end * ratio);
        let far = std::iter::successors(Some(first), grow).chain([u64::MAX]);
        let near = std::iter::successors(Some(1), |&end| Some(end * 2).filter(|end| *end < first));
        Self { far: Ladder::new(linear, far), near: Ladder::new(linear, near) }
    }
}

impl Ladder {
    fn new(linear: &Linear, ends: impl Iterator<Item = u64>) -> Self {
        let ends: Vec<u64> = ends.collect();
        let mut factors = Vec::new();
        let mut start = 0.0;
        for &end in &ends {
            let end = if end == u64::MAX { FOREVER } else { end as f64 };
            let ticks = [start, end];
            factors.push(if linear.leaks() {
                ticks.map(|ticks| linear.decay_over(ticks))
            } else {
                ticks
            });
            factors.extend(linear.all_states().iter().map(|mode| extremes(linear, mode, ticks)));
            start = end;
        }
        Self { ends: ends.into(), factors: factors.into() }
    }

    /// How long and how clearly a course stays below a ceiling: as far as it keeps a share of its
    /// clearance in the first interval, and no further than `enough` ticks.
    #[inline]
    fn climb<const N: usize>(&self, course: &Course<'_, N>, enough: u64) -> Outlook {
        let mut seen = Outlook { ticks: 0, clearance_mv: 0.0 };
        let (mut clearance_mv, mut least_mv) = (f64::INFINITY, 0.0);
        for (rung, &end) in self.factors.chunks_exact(1 + N).zip(self.ends.iter()) {
            let (of_v, of_states) = rung.split_first().expect("of v and N states");
            let mut gap_mv = course.ceiling_mv - highest(course.v_mv, *of_v);
            for (&x, &of_state) in course.modes.iter().zip(of_states) {
                gap_mv -= highest(x, of_state);
            }
            clearance_mv = if gap_mv < clearance_mv { gap_mv } else { clearance_mv };
            if clearance_mv <= least_mv {
                break;
            }
            if seen.ticks == 0 {
                least_mv = clearance_mv * KEPT;
            }
            seen = Outlook { ticks: end, clearance_mv };
            if end >= enough {
                break;
            }
        }
        seen
    }
}

/// A course as ladders have it: `v_mv` times a factor and states times factors, below a ceiling.
struct Course<'a, const N: usize> {
    ceiling_mv: f64,
    v_mv: f64,
    modes: &'a [f64; N],
}

/// The highest and the lowest K in an interval; of adaptation, what it takes at both ends.
fn extremes(linear: &Linear, mode: &Mode, ticks: [f64; 2]) -> [f64; 2] {
    let steps = ticks.map(|ticks| course::step_over(linear, mode, ticks));
    if mode.kind == ModeKind::Adaptation {
        return steps.map(|step| -step.decay);
    }
    let [first, last] = steps.map(|step| step.push);
    if ticks[1] <= course::rises_until_ticks(linear, mode) {
        [last, first]
    } else if ticks[0] >= course::falls_from_ticks(linear, mode) {
        [first, last]
    } else {
        [mode.reach, first.min(last)]
    }
}

/// How long and how clearly a neuron stays below its threshold; looks no further than `enough`
/// ticks, or a little.
pub(super) fn outlook<const N: usize>(linear: &Linear, point: &Point<N>, enough: u64) -> Outlook {
    if !linear.fires_ever() {
        return Outlook { ticks: u64::MAX, clearance_mv: f64::INFINITY };
    }
    let mut rounding_mv = linear.rounding_mv + ROUNDING * point.v_mv.abs();
    for (x, mode) in point.modes.iter().zip(linear.states::<N>()) {
        rounding_mv += x.abs() * mode.rounding;
    }
    let [start_mv, v_mv] = if linear.leaks() {
        [linear.settled_mv, point.v_mv - linear.settled_mv]
    } else {
        [point.v_mv, linear.settled_mv]
    };
    let ceiling_mv = linear.threshold_mv - rounding_mv - start_mv;
    let course = Course { ceiling_mv, v_mv, modes: &point.modes };
    let seen = linear.ladders.far.climb(&course, enough);
    if seen.ticks > 0 { seen } else { linear.ladders.near.climb(&course, enough) }
}

/// The higher of two multiples.
#[inline]
fn highest(x: f64, [a, b]: [f64; 2]) -> f64 {
    let (a, b) = (x * a, x * b);
    if a > b { a } else { b }
}
