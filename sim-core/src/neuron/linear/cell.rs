//! One neuron: its state at its last arrival or crossing, and what follows from it.

use super::{
    bound::outlook,
    course::Point,
    crossing::{Search, never, nevermore, threshold_mv},
    parameters::{Linear, ModeKind, ResetTo},
};
use crate::{math::exp, neuron::moment::Moment};

/// One neuron with N extra states.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell<const N: usize> {
    /// Potential at `since`.
    pub(crate) v_mv: f64,
    /// Currents, and what the threshold is higher, at `since`.
    pub(crate) modes: [f64; N],
    /// When it was last re-based: an arrival, a crossing, or the end of refractory time to come.
    pub(crate) since: Moment,
}

/// Until when nobody need look at a neuron.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Watch {
    /// The first tick at which [`Cell::cross`] must be asked; [`Watch::NEVER`] if without another
    /// arrival it never must.
    pub(crate) due: u64,
    /// How far arrivals may lift it until then without making it cross \[mV\].
    pub(crate) clearance_mv: f64,
}

impl Watch {
    pub(crate) const NEVER: u64 = u64::MAX;
    /// Nothing is known, and no call is waiting.
    pub(crate) const NONE: Self = Self { due: Self::NEVER, clearance_mv: 0.0 };

    /// Counts what arrived; whether the neuron must be looked at again.
    #[inline]
    pub(crate) fn is_used_up(&mut self, lift_mv: f64) -> bool {
        self.clearance_mv -= lift_mv;
        self.clearance_mv < 0.0
    }
}

/// Where it crosses its threshold.
struct Crossing {
    /// Since it was last re-based.
    ticks: f64,
    moment: Moment,
}

impl<const N: usize> Cell<N> {
    /// A neuron at a tick, with a potential that isn't relative to rest.
    pub(crate) fn at_start(linear: &Linear, initial_mv: f64, tick: u64) -> Self {
        let v_mv = linear.relative(initial_mv);
        Self { v_mv, modes: [0.0; N], since: Moment::at(tick) }
    }

    /// When [`cross`](Self::cross) must be asked, all ticks before `from` having been ruled out.
    /// Looks no further ahead than `latest`.
    pub(crate) fn watch(&self, linear: &Linear, from: u64, latest: u64) -> Watch {
        if N == 0 {
            return match self.driven_crossing(linear) {
                Some(crossing) => {
                    Watch { due: crossing.moment.ceil().max(from), clearance_mv: 0.0 }
                }
                None => Watch { due: Watch::NEVER, clearance_mv: f64::INFINITY },
            };
        }
        let is_asked_again = from > self.since.tick.saturating_add(1);
        let (since, point) = if is_asked_again {
            (from - 1, self.carried(linear, from - 1))
        } else {
            (self.since.tick, self.point())
        };
        if is_asked_again && nevermore(linear, &point) && point.v_mv < linear.threshold_mv {
            return Watch::NONE;
        }
        let seen = outlook(linear, &point, latest.saturating_sub(since));
        let due = since.saturating_add(seen.ticks).saturating_add(1).max(from);
        Watch { due, clearance_mv: seen.clearance_mv }
    }

    /// Handles every crossing in `(tick - 1, tick]`, earlier ticks having been ruled out; returns
    /// how many.
    pub(crate) fn cross(&mut self, linear: &Linear, tick: u64) -> u32 {
        let mut crossed = 0;
        while crossed < linear.crossings_max
            && let Some(crossing) = self.crossing(linear, tick)
        {
            let point = self.point().after(linear, &linear.row_over(crossing.ticks));
            self.spike(linear, point, crossing.moment);
            crossed += 1;
        }
        crossed
    }

    /// Brings the neuron to a tick and adds what arrived there, the sum of each receptor in its
    /// quanta; returns whether it fires at that tick. Sums of zero are no arrival. All crossings
    /// up to and including the tick have been handled.
    #[inline]
    pub(crate) fn arrive(&mut self, linear: &Linear, tick: u64, sums: &[i64]) -> bool {
        self.arrive_if(linear, tick, sums, true)
    }

    /// The same for a neuron that may have fired as often as it can in this tick already: then it
    /// stays above its threshold until the next.
    #[inline]
    pub(crate) fn arrive_if(
        &mut self,
        linear: &Linear,
        tick: u64,
        sums: &[i64],
        may_fire: bool,
    ) -> bool {
        if sums.iter().all(|&sum| sum == 0) {
            return false;
        }
        if self.since.ceil() > tick {
            self.take_up(linear, tick, sums);
            return false;
        }
        let mut point = self.carried(linear, tick);
        for (x, mode) in point.modes.iter_mut().zip(linear.states::<N>()) {
            let sum = sums.get(mode.receptor).copied().unwrap_or_default();
            *x += sum as f64 * mode.kick_mv;
        }
        let mut lifted = false;
        for delta in linear.deltas() {
            let sum = sums[delta.receptor];
            lifted |= sum != 0;
            point.v_mv += sum as f64 * delta.kick_mv;
        }
        if lifted && may_fire && linear.fires(point.v_mv, threshold_mv(linear, &point)) {
            self.spike(linear, point, Moment::at(tick));
            return true;
        }
        *self = Self { v_mv: point.v_mv, modes: point.modes, since: Moment::at(tick) };
        false
    }

    /// A tick of a neuron that is re-based at each: crossings, then what arrives; returns how often it
    /// fires. Afterwards its base is the tick, or the end of its refractory time: then the states are
    /// whoever's who re-bases them meanwhile, and here they mean nothing.
    pub(crate) fn live(&mut self, linear: &Linear, tick: u64, sums: &[i64]) -> u32 {
        let mut fired = 0;
        if linear.may_cross(self.v_mv, &self.modes) {
            if let Some(reset_mv) = linear.rests_at_mv() {
                if let Some(crossing) = self.crossing(linear, tick) {
                    self.v_mv = reset_mv;
                    self.since = rested(linear, crossing.moment);
                    return 1;
                }
            } else {
                fired = self.cross(linear, tick);
            }
        }
        let may_fire = fired < linear.spikes_max();
        fired += u32::from(self.arrive_if(linear, tick, sums, may_fire));
        if self.since < Moment::at(tick) {
            self.rebase(linear, tick);
        }
        fired
    }

    /// Brings the neuron to a tick at which its drive changes.
    pub(crate) fn rebase(&mut self, linear: &Linear, tick: u64) {
        if self.since.ceil() <= tick {
            let Point { v_mv, modes } = self.carried(linear, tick);
            *self = Self { v_mv, modes, since: Moment::at(tick) };
        }
    }

    /// The potential at a tick, not relative to rest.
    pub(crate) fn potential_mv(&self, linear: &Linear, tick: u64) -> f64 {
        linear.absolute(self.seen(linear, tick).v_mv)
    }

    /// A receptor's current at a tick; that of a delta receptor is 0.
    pub(crate) fn current_mv(&self, linear: &Linear, receptor: usize, tick: u64) -> f64 {
        let states = linear.states::<N>();
        let Some(fed) = states.iter().position(|mode| mode.receptor == receptor) else {
            return 0.0;
        };
        // An alpha's current is before its rise, which is what a receptor feeds.
        let is_rise = states[fed].kind == ModeKind::AlphaRise;
        self.seen(linear, tick).modes[fed - usize::from(is_rise)]
    }

    /// The threshold at a tick, not relative to rest.
    pub(crate) fn threshold_mv(&self, linear: &Linear, tick: u64) -> f64 {
        linear.absolute(threshold_mv(linear, &self.seen(linear, tick)))
    }

    #[inline]
    fn point(&self) -> Point<N> {
        Point { v_mv: self.v_mv, modes: self.modes }
    }

    /// Its state at a tick that isn't before `since`.
    #[inline]
    fn carried(&self, linear: &Linear, tick: u64) -> Point<N> {
        self.point().after(linear, &linear.row(self.since, tick))
    }

    /// Its state at a tick that may lie in its refractory time.
    fn seen(&self, linear: &Linear, tick: u64) -> Point<N> {
        if self.since.ceil() <= tick {
            return self.carried(linear, tick);
        }
        let ahead = (self.since.tick - tick) as f64 + self.since.fraction;
        Point { v_mv: self.v_mv, modes: moved(linear, &self.modes, -ahead) }
    }

    /// The first crossing in `(tick - 1, tick]`: a function of the state and the tick alone.
    fn crossing(&self, linear: &Linear, tick: u64) -> Option<Crossing> {
        if !linear.fires_ever() || self.since.ceil() > tick {
            return None;
        }
        if N == 0 {
            return self.driven_crossing(linear).filter(|crossing| crossing.moment.ceil() <= tick);
        }
        let start = Moment::at(tick.saturating_sub(1));
        let mut search = Search::new(linear, self.point());
        let from = if self.since < start {
            search.sight(self.since.until(start.tick), self.carried(linear, start.tick))
        } else {
            search.sight(0.0, self.point())
        };
        let ticks = if search.fires(&from) {
            from.ticks
        } else if never(linear, &from.point) {
            return None;
        } else {
            let to = search.sight(self.since.until(tick), self.carried(linear, tick));
            search.first(&from, &to)?
        };
        let moment = self.since.after(ticks).unwrap_or(Moment::BEYOND);
        // Rounding must not take it out of the interval.
        let moment = if moment < start && self.since < start { start } else { moment };
        let end = Moment::at(tick);
        Some(Crossing { ticks, moment: if moment > end { end } else { moment } })
    }

    /// Where the drive alone next brings v to the threshold; the only way without extra states.
    fn driven_crossing(&self, linear: &Linear) -> Option<Crossing> {
        let ticks = linear.rise_ticks(self.v_mv)?;
        Some(Crossing { ticks, moment: self.since.after(ticks)? })
    }

    /// Resets, at a moment at which the state is `point`.
    fn spike(&mut self, linear: &Linear, point: Point<N>, moment: Moment) {
        self.v_mv = match linear.reset {
            ResetTo::Value(reset_mv) => reset_mv,
            ResetTo::Less(amount_mv) => point.v_mv - amount_mv,
        };
        self.modes = point.modes;
        for (x, mode) in self.modes.iter_mut().zip(linear.states::<N>()) {
            if mode.kind == ModeKind::Adaptation {
                *x += linear.adaptation_step_mv;
            }
        }
        self.modes = moved(linear, &self.modes, linear.refractory_ticks);
        self.since = rested(linear, moment);
    }

    /// Takes up what arrives in refractory time: currents, as far as they last to its end.
    #[cold]
    fn take_up(&mut self, linear: &Linear, tick: u64, sums: &[i64]) {
        let mut arrived = [0.0; N];
        for (x, mode) in arrived.iter_mut().zip(linear.states::<N>()) {
            *x = sums.get(mode.receptor).copied().unwrap_or_default() as f64 * mode.kick_mv;
        }
        let ahead = (self.since.tick - tick) as f64 + self.since.fraction;
        let arrived = moved(linear, &arrived, ahead);
        for (x, arrived) in self.modes.iter_mut().zip(arrived) {
            *x += arrived;
        }
    }
}

/// When the refractory time after a spike ends.
fn rested(linear: &Linear, spike: Moment) -> Moment {
    spike.after(linear.refractory_ticks).unwrap_or(Moment::BEYOND)
}

/// Extra states some time later, or earlier if it is below 0.
pub(super) fn moved<const N: usize>(linear: &Linear, modes: &[f64; N], ticks: f64) -> [f64; N] {
    let states = linear.states::<N>();
    let mut moved = *modes;
    for i in 0..N {
        let fed_mv = if i + 1 < N { states[i].feed * ticks * modes[i + 1] } else { 0.0 };
        let decay = exp(-ticks / states[i].tau_ticks);
        let later = (modes[i] + fed_mv) * decay;
        // So long ago that nothing is left to look back from.
        moved[i] = if later.is_finite() { later } else { 0.0 };
    }
    moved
}
