//! One parameter set, compiled for a tick length.

use std::sync::Arc;

use super::{
    bound::{Ladders, ROUNDING},
    course,
};
use crate::{
    math::{exp, ln},
    network::neurons::lif::{LifParameters, Receptor, ReceptorKind, Reset},
    time::TickLength,
};

/// Crossings in one tick that currents may cause where no refractory time bounds them; what is
/// beyond waits for the next tick.
const BY_CURRENTS_MAX: u32 = 255;
/// A refractory time of a tick allows one spike a tick; a little more, so that no rounding matters.
const ONE_SPIKE_TICKS: f64 = 1.001;
/// What a multiplicity can be.
const MULTIPLICITY_MAX: u32 = 65_535;
/// From the end of one interval of a ladder to the next, and where each neuron has one of its own.
const LADDER_RATIO: u64 = 2;
const LADDER_RATIO_EACH: u64 = 4;
/// A state that no receptor feeds.
const NO_RECEPTOR: usize = usize::MAX;

#[derive(Clone, Debug)]
pub(crate) struct Linear {
    pub(super) tau_ticks: f64,
    /// 1 / `tau_ticks`; 0 without leak.
    pub(super) leak: f64,
    /// What 1 mV of current adds to v in a tick \[mV\].
    pub(super) rate: f64,
    /// Where v settles without currents; without leak what it gains in a tick.
    pub(super) settled_mv: f64,
    /// What the drive adds in a tick to a v of 0.
    pub(super) drive_rate: f64,
    /// The most that the drive alone brings v to, from below.
    pub(super) settled_mv_max: f64,
    pub(super) threshold_mv: f64,
    pub(super) strict: bool,
    pub(super) reset: ResetTo,
    pub(super) refractory_ticks: f64,
    pub(super) adaptation_step_mv: f64,
    /// Whether a state feeds another.
    pub(super) has_alpha: bool,
    /// Most crossings that one tick handles.
    pub(super) crossings_max: u32,
    /// Most spikes in one tick.
    spikes_max: u32,
    /// Rounding that the parameters themselves bring into a bound.
    pub(super) rounding_mv: f64,
    modes: Arc<[Mode]>,
    deltas: Arc<[Delta]>,
    /// Courses over whole ticks from 0, see `course`; empty without tables.
    pub(super) rows: Arc<[f64]>,
    /// Bounds of the course in intervals.
    pub(super) ladders: Ladders,
    /// The most by which one quantum at a receptor lifts v, by receptor \[mV\].
    lifts_mv: Arc<[f64]>,
    /// From where potentials are measured.
    pub(super) rest_mv: f64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum ResetTo {
    Value(f64),
    Less(f64),
}

/// One extra state x of a neuron \[mV\].
#[derive(Clone, Copy, Debug)]
pub(super) struct Mode {
    pub(super) kind: ModeKind,
    pub(super) tau_ticks: f64,
    /// 1 / `tau_ticks`.
    pub(super) fade: f64,
    /// Who feeds it.
    pub(super) receptor: usize,
    /// By how much, for one quantum.
    pub(super) kick_mv: f64,
    /// What the next state adds to it in a tick.
    pub(super) feed: f64,
    /// The most current that an x of 1 ever is.
    pub(super) peak: f64,
    /// The most that an x of 1 ever adds to v.
    pub(super) reach: f64,
    /// Rounding that an x of 1 brings into a bound.
    pub(super) rounding: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ModeKind {
    /// `tau x' = -x`; x is a current.
    Exponential,
    /// `tau x' = -x + z`, where z is the next state; x is a current.
    Alpha,
    /// `tau z' = -z`.
    AlphaRise,
    /// `tau x' = -x`; x is what the threshold is higher.
    Adaptation,
}

/// A receptor that moves v itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delta {
    pub(super) receptor: usize,
    /// For one quantum.
    pub(super) kick_mv: f64,
}

impl Linear {
    /// `quanta` are what one unit of a sum stands for, in units of weight, for each receptor.
    pub(crate) fn new(parameters: &LifParameters, tick: TickLength, quanta: &[f64]) -> Self {
        let in_ticks = |ms: f64| ms / tick.ms();
        let relative = |potential_mv: f64| potential_mv - parameters.rest_mv;
        let tau_ticks = in_ticks(parameters.tau_ms);
        let leaks = tau_ticks != f64::INFINITY;
        let mut linear = Self {
            tau_ticks,
            leak: if leaks { 1.0 / tau_ticks } else { 0.0 },
            rate: if leaks { 1.0 / tau_ticks } else { tick.ms() },
            settled_mv: 0.0,
            drive_rate: 0.0,
            settled_mv_max: 0.0,
            threshold_mv: relative(parameters.threshold_mv),
            strict: parameters.strict,
            reset: match parameters.reset {
                Reset::ToValue => ResetTo::Value(relative(parameters.reset_mv)),
                Reset::Subtract { amount_mv } => ResetTo::Less(amount_mv),
            },
            refractory_ticks: in_ticks(parameters.refractory_ms),
            adaptation_step_mv: parameters.adaptation.map_or(0.0, |adaptation| adaptation.step_mv),
            has_alpha: false,
            crossings_max: 0,
            spikes_max: 0,
            rounding_mv: 0.0,
            modes: Arc::new([]),
            deltas: Arc::new([]),
            rows: Arc::new([]),
            ladders: Ladders::none(),
            lifts_mv: Arc::new([]),
            rest_mv: parameters.rest_mv,
        };
        assert_eq!(quanta.len(), parameters.receptors.len().max(1), "every receptor has a quantum");
        linear.add_states(parameters, quanta, in_ticks);
        linear.with_drive(parameters.drive_mv)
    }

    /// Ready to run, as one of many parameter sets.
    pub(crate) fn with_bounds(mut self) -> Self {
        self.ladders = Ladders::new(&self, LADDER_RATIO_EACH);
        self
    }

    /// Ready to run, as the parameter set of many neurons: tables pay.
    pub(crate) fn with_tables(mut self) -> Self {
        self.rows = course::table(&self);
        self.ladders = Ladders::new(&self, LADDER_RATIO);
        self
    }

    /// The most spikes in one tick.
    #[inline]
    pub(crate) fn spikes_max(&self) -> u32 {
        self.spikes_max
    }

    /// Whether courses over whole ticks are looked up.
    pub(super) fn has_tables(&self) -> bool {
        !self.rows.is_empty()
    }

    fn add_states(
        &mut self,
        parameters: &LifParameters,
        quanta: &[f64],
        in_ticks: impl Fn(f64) -> f64,
    ) {
        let (mut modes, mut deltas) = (Vec::new(), Vec::new());
        let nameless = [Receptor::new("", ReceptorKind::Delta)];
        let receptors = match parameters.receptors.as_slice() {
            [] => &nameless,
            receptors => receptors,
        };
        for (receptor, (described, quantum)) in receptors.iter().zip(quanta).enumerate() {
            let kick_mv = quantum * described.gain;
            let mut mode = |kind, tau_ms, receptor, kick_mv| {
                modes.push(self.mode(kind, in_ticks(tau_ms), receptor, kick_mv));
            };
            match described.kind {
                ReceptorKind::Delta => deltas.push(Delta { receptor, kick_mv }),
                ReceptorKind::Exponential { tau_ms } => {
                    mode(ModeKind::Exponential, tau_ms, receptor, kick_mv);
                }
                ReceptorKind::Alpha { tau_ms } => {
                    mode(ModeKind::Alpha, tau_ms, NO_RECEPTOR, 0.0);
                    let rise_mv = std::f64::consts::E * kick_mv;
                    mode(ModeKind::AlphaRise, tau_ms, receptor, rise_mv);
                }
            }
        }
        if let Some(adaptation) = parameters.adaptation {
            let tau_ticks = in_ticks(adaptation.tau_ms);
            modes.push(self.mode(ModeKind::Adaptation, tau_ticks, NO_RECEPTOR, 0.0));
        }
        self.has_alpha = modes.iter().any(|mode| mode.kind == ModeKind::Alpha);
        (self.modes, self.deltas) = (modes.into(), deltas.into());
        let lifts_mv = (0..receptors.len()).map(|receptor| {
            let fed = self.modes.iter().filter(|mode| mode.receptor == receptor);
            let moved = self.deltas.iter().filter(|delta| delta.receptor == receptor);
            fed.map(|mode| mode.kick_mv * mode.reach)
                .chain(moved.map(|delta| delta.kick_mv))
                .sum::<f64>()
        });
        self.lifts_mv = lifts_mv.collect();
    }

    fn mode(&self, kind: ModeKind, tau_ticks: f64, receptor: usize, kick_mv: f64) -> Mode {
        let [peak, reach] = match kind {
            ModeKind::Exponential | ModeKind::Alpha => {
                [1.0, course::exponential_reach(self, tau_ticks)]
            }
            ModeKind::AlphaRise => [exp(-1.0), course::alpha_reach(self, tau_ticks)],
            ModeKind::Adaptation => [0.0, 0.0],
        };
        Mode {
            kind,
            tau_ticks,
            fade: 1.0 / tau_ticks,
            receptor,
            kick_mv,
            feed: if kind == ModeKind::Alpha { 1.0 / tau_ticks } else { 0.0 },
            peak,
            reach,
            rounding: ROUNDING * reach.max(1.0),
        }
    }

    /// The same neuron with another drive \[mV, without leak mV/ms\]; shares the tables.
    pub(crate) fn with_drive(&self, drive_mv: f64) -> Self {
        let mut linear = self.clone();
        linear.drive_rate = drive_mv * self.rate;
        if self.leaks() {
            linear.settled_mv = drive_mv;
            linear.settled_mv_max = drive_mv;
        } else {
            linear.settled_mv = linear.drive_rate;
            linear.settled_mv_max = if drive_mv > 0.0 { f64::INFINITY } else { f64::NEG_INFINITY };
        }
        let threshold_mv = if self.fires_ever() { self.threshold_mv.abs() } else { 0.0 };
        linear.rounding_mv = ROUNDING * (linear.settled_mv.abs() + threshold_mv);
        // One spike of the most is an arrival's.
        linear.spikes_max = linear.multiplicity_max();
        linear.crossings_max = (linear.spikes_max - 1).max(1);
        linear
    }

    /// Ticks from one crossing to the next when only the drive acts; infinite if it never crosses.
    pub(crate) fn period_ticks(&self) -> f64 {
        let reset_mv = match self.reset {
            ResetTo::Value(reset_mv) => reset_mv,
            ResetTo::Less(amount_mv) => self.threshold_mv - amount_mv,
        };
        self.rise_ticks(reset_mv).map_or(f64::INFINITY, |rise| rise + self.refractory_ticks)
    }

    /// The most spikes in one tick. Those of the drive, one by an arrival, one begun before; and
    /// those of currents, which a refractory time bounds.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    pub(crate) fn multiplicity_max(&self) -> u32 {
        if self.refractory_ticks > ONE_SPIKE_TICKS {
            return 1;
        }
        let by_drive = (1.0 / self.period_ticks()).ceil() as u32;
        let only_drive = self.modes.is_empty() && matches!(self.reset, ResetTo::Value(_));
        let by_currents = if only_drive {
            0
        } else {
            ((1.0 / self.refractory_ticks).ceil() as u32).min(BY_CURRENTS_MAX)
        };
        let by_itself = by_drive.max(by_currents);
        let others = if by_itself > 0 { 2 } else { 1 };
        by_itself.saturating_add(others).min(MULTIPLICITY_MAX)
    }

    /// Ticks that the drive alone takes from `v_mv` to the threshold, if it ever gets there.
    pub(super) fn rise_ticks(&self, v_mv: f64) -> Option<f64> {
        if self.fires(v_mv, self.threshold_mv) {
            return Some(0.0);
        }
        let is_driven = self.settled_mv_max > self.threshold_mv;
        if !is_driven {
            return None;
        }
        if v_mv >= self.threshold_mv {
            return Some(0.0);
        }
        if !self.leaks() {
            return Some((self.threshold_mv - v_mv) / self.drive_rate);
        }
        let rise = (self.settled_mv - v_mv) / (self.settled_mv - self.threshold_mv);
        Some(self.tau_ticks * ln(rise))
    }

    /// What is left of v's distance from where it settles, after some time.
    pub(super) fn decay_over(&self, ticks: f64) -> f64 {
        exp(-ticks / self.tau_ticks)
    }

    /// The most by which what arrives lifts v, at any later time. That inhibition lifts it too covers
    /// the rounding of larger states.
    #[inline]
    pub(crate) fn lift_mv(&self, sums: &[i64]) -> f64 {
        let each = sums.iter().zip(self.lifts_mv.iter());
        each.fold(0.0, |lift_mv, (&sum, by_one_mv)| lift_mv + lift(sum as f64 * by_one_mv))
    }

    /// By receptor.
    pub(super) fn lifts_mv(&self) -> &[f64] {
        &self.lifts_mv
    }

    #[inline]
    pub(super) fn fires(&self, v_mv: f64, threshold_mv: f64) -> bool {
        if self.strict { v_mv > threshold_mv } else { v_mv >= threshold_mv }
    }

    /// Whether a neuron whose states are currents that decay, and whose base is no more than a tick
    /// ago, may cross its threshold of itself before the tick is over: by a bound on its slope.
    pub(super) fn may_cross<const N: usize>(&self, v_mv: f64, modes: &[f64; N]) -> bool {
        let current_mv = modes.iter().fold(0.0, |sum_mv, x| sum_mv + x.max(0.0));
        let rise_mv = self.drive_rate + self.rate * current_mv - self.leak * v_mv;
        let rounding_mv = self.rounding_mv + ROUNDING * self.threshold_mv.abs();
        v_mv + rise_mv.max(0.0) >= self.threshold_mv - rounding_mv
    }

    /// Where a spike leaves a neuron for more than a tick, whatever its potential was; `None` if it may
    /// be awake sooner, or elsewhere.
    pub(super) fn rests_at_mv(&self) -> Option<f64> {
        match self.reset {
            ResetTo::Value(reset_mv) if self.refractory_ticks > ONE_SPIKE_TICKS => Some(reset_mv),
            _ => None,
        }
    }

    /// Whether there is a threshold.
    #[inline]
    pub(super) fn fires_ever(&self) -> bool {
        self.threshold_mv != f64::INFINITY
    }

    #[inline]
    pub(super) fn leaks(&self) -> bool {
        self.leak != 0.0
    }

    /// Whether a neuron can cross its threshold between arrivals. What subtraction leaves may lie
    /// above it still.
    pub(crate) fn crosses_by_itself(&self) -> bool {
        let keeps = matches!(self.reset, ResetTo::Less(_));
        let is_driven = self.settled_mv_max > self.threshold_mv;
        self.fires_ever() && (!self.modes.is_empty() || is_driven || keeps)
    }

    /// Of a potential that is measured from the same zero as the description's.
    pub(super) fn relative(&self, potential_mv: f64) -> f64 {
        potential_mv - self.rest_mv
    }

    pub(super) fn absolute(&self, v_mv: f64) -> f64 {
        v_mv + self.rest_mv
    }

    #[inline]
    pub(super) fn states<const N: usize>(&self) -> &[Mode; N] {
        self.modes.first_chunk().expect("a cell has as many states as its parameters")
    }

    #[inline]
    pub(super) fn deltas(&self) -> &[Delta] {
        &self.deltas
    }

    pub(super) fn all_states(&self) -> &[Mode] {
        &self.modes
    }
}

/// The lift of an arrival that moves v by so much at the most, up or down.
#[inline]
pub(super) fn lift(moved_mv: f64) -> f64 {
    let (up, down) = (moved_mv * (1.0 + ROUNDING), moved_mv * -ROUNDING);
    if up > down { up } else { down }
}
