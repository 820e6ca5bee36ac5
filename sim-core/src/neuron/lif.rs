//! Leaky integrate-and-fire with delta synapses and a constant drive.
//!
//! `tau dv/dt = -(v - v_inf)`, so `v(t) = v_inf + (v(t0) - v_inf) exp(-(t - t0) / tau)` between
//! arrivals, where `v_inf` is rest plus drive. A drive above threshold crosses it by itself, at
//! `t0 + tau ln((v_inf - v(t0)) / (v_inf - theta))`: predicted at every change of course, not
//! polled for. Reset and refractory time count from the crossing itself, kept as (tick, fraction).
//!
//! During refractory time v stays at reset and deliveries are lost. State is re-based at a
//! neuron's own arrivals and crossings only; arrivals that cancel exactly are none. Potentials are
//! relative to rest \[mV\], times in ticks.

use crate::{
    math::{exp, ln},
    network::LifParameters,
    time::TickLength,
};

/// Whole ticks for which the decay is looked up: 8 KiB a population of the plan.
const DECAYS: u32 = 1_024;
/// No crossing is predicted, or no call is waiting.
const NEVER: u64 = u64::MAX;

#[derive(Clone, Debug)]
pub(crate) struct Lif {
    tau_ticks: f64,
    /// What is left of a difference after so many whole ticks.
    decays: Vec<f64>,
    /// Where v would settle.
    settled_mv: f64,
    threshold_mv: f64,
    reset_mv: f64,
    refractory_ticks: f64,
    initial_mv: f64,
    strict: bool,
    /// One quantum of the sums.
    quantum_mv: f64,
}

/// A moment between two ticks: `tick + fraction`, the fraction in [0, 1).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct Moment {
    pub(crate) tick: u64,
    pub(crate) fraction: f64,
}

impl Moment {
    const fn at(tick: u64) -> Self {
        Self { tick, fraction: 0.0 }
    }

    /// `None` beyond the end of time.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked first")]
    fn after(self, ticks: f64) -> Option<Self> {
        let ticks = self.fraction + ticks;
        let whole = ticks.floor();
        if !(0.0..9e18).contains(&whole) {
            return None;
        }
        let tick = self.tick.checked_add(whole as u64)?;
        Some(Self { tick, fraction: ticks - whole })
    }

    /// The first tick at or after this moment.
    fn ceil(self) -> u64 {
        if self.fraction == 0.0 { self.tick } else { self.tick.saturating_add(1) }
    }

    /// From here to a tick that isn't before it.
    fn until(self, tick: u64) -> f64 {
        (tick - self.tick) as f64 - self.fraction
    }
}

impl Lif {
    pub(crate) fn new(parameters: &LifParameters, tick: TickLength, quantum_mv: f64) -> Self {
        let relative = |potential_mv: f64| potential_mv - parameters.rest_mv;
        let tau_ticks = parameters.tau_ms / tick.ms();
        Self {
            tau_ticks,
            decays: (0..DECAYS).map(|ticks| decay(ticks.into(), tau_ticks)).collect(),
            settled_mv: parameters.drive_mv,
            threshold_mv: relative(parameters.threshold_mv),
            reset_mv: relative(parameters.reset_mv),
            refractory_ticks: parameters.refractory_ms / tick.ms(),
            initial_mv: relative(parameters.initial_mv),
            strict: parameters.strict,
            quantum_mv,
        }
    }

    /// Whether the drive alone crosses the threshold; only then is anything predicted.
    fn is_driven(&self) -> bool {
        self.settled_mv > self.threshold_mv
    }

    /// State of one neuron \[bytes\].
    pub(crate) fn state_bytes(&self) -> u64 {
        let predicted = if self.is_driven() { size_of::<Prediction>() } else { 0 };
        (size_of::<Membrane>() + predicted) as u64
    }

    /// Ticks from one crossing to the next when only the drive acts; infinite if it never crosses.
    pub(crate) fn period_ticks(&self) -> f64 {
        self.rise_ticks(self.reset_mv).map_or(f64::INFINITY, |rise| rise + self.refractory_ticks)
    }

    /// The most crossings in one tick: those of the drive, one by an arrival, one begun before.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "validated")]
    pub(crate) fn multiplicity_max(&self) -> u32 {
        let by_drive = (1.0 / self.period_ticks()).ceil();
        (by_drive as u32).saturating_add(if by_drive > 0.0 { 2 } else { 1 })
    }

    /// Ticks that the drive takes from `v_mv` to the threshold, if it ever gets there.
    fn rise_ticks(&self, v_mv: f64) -> Option<f64> {
        if !self.is_driven() {
            return None;
        }
        if v_mv >= self.threshold_mv {
            return Some(0.0);
        }
        let rise = (self.settled_mv - v_mv) / (self.settled_mv - self.threshold_mv);
        Some(self.tau_ticks * ln(rise))
    }

    /// What is left at a tick of a difference at a moment before it. The table holds what the
    /// function gives: both have the same bits.
    #[inline]
    fn decay(&self, since: Moment, tick: u64) -> f64 {
        let whole = usize::try_from(tick - since.tick).unwrap_or(usize::MAX);
        match self.decays.get(whole) {
            Some(&decay) if since.fraction == 0.0 => decay,
            _ => decay(since.until(tick), self.tau_ticks),
        }
    }

    #[inline]
    fn fires(&self, v_mv: f64) -> bool {
        if self.strict { v_mv > self.threshold_mv } else { v_mv >= self.threshold_mv }
    }
}

fn decay(ticks: f64, tau_ticks: f64) -> f64 {
    exp(-ticks / tau_ticks)
}

/// One neuron.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Membrane {
    /// Potential at `since` (relative to rest).
    pub(crate) v_mv: f64,
    /// When v was last re-based: an arrival, a crossing, or the end of refractory time to come.
    pub(crate) since: Moment,
}

/// What the calendar knows of a driven neuron.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Prediction {
    /// The tick of the spike that is predicted.
    predicted: u64,
    /// The tick at which the calendar calls next; at most `predicted`.
    called: u64,
}

/// The membranes of one population.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Membranes {
    membranes: Vec<Membrane>,
    /// Empty where no drive crosses the threshold.
    predictions: Vec<Prediction>,
}

impl Membranes {
    pub(crate) fn new(lif: &Lif, size: usize) -> Self {
        let rest = Membrane { v_mv: lif.initial_mv, since: Moment::at(0) };
        Self::restored(lif, vec![rest; size])
    }

    /// Membranes as a snapshot found them; predictions follow from them.
    pub(crate) fn restored(lif: &Lif, membranes: Vec<Membrane>) -> Self {
        let predicted = if lif.is_driven() { membranes.len() } else { 0 };
        let predictions = vec![Prediction { predicted: NEVER, called: NEVER }; predicted];
        Self { membranes, predictions }
    }

    pub(crate) fn share(&self, range: &std::ops::Range<u32>) -> Self {
        let range = range.start as usize..range.end as usize;
        let predictions = if self.predictions.is_empty() { Vec::new() } else { self.predictions[range.clone()].to_vec() };
        Self { membranes: self.membranes[range].to_vec(), predictions }
    }

    pub(crate) fn as_slice(&self) -> &[Membrane] {
        &self.membranes
    }

    /// Predicts a neuron's next crossing, for a tick that hasn't been run; returns the tick at
    /// which the calendar must call, if it doesn't already call earlier.
    pub(crate) fn predict(&mut self, lif: &Lif, neuron: usize, next_tick: u64) -> Option<u64> {
        let prediction = self.predictions.get_mut(neuron)?;
        // A membrane that an arrival left at the threshold itself crosses at once, but the tick
        // of the arrival is over.
        let crossing = self.membranes[neuron].crossing(lif);
        prediction.predicted = crossing.map_or(NEVER, |at| at.ceil().max(next_tick));
        prediction.call()
    }

    /// The calendar called. Returns whether a crossing is due; if it was put off meanwhile, the
    /// second value says when to call again.
    pub(crate) fn answer(&mut self, neuron: usize, tick: u64) -> (bool, Option<u64>) {
        match self.predictions.get_mut(neuron) {
            Some(prediction) if prediction.called == tick => prediction.answer(tick),
            _ => (false, None),
        }
    }

    /// Brings a neuron up to a tick, with the sum of what arrives there \[quanta\]. Returns how
    /// often it fired since the tick before, and when the calendar must call.
    #[inline]
    pub(crate) fn advance(
        &mut self,
        lif: &Lif,
        neuron: usize,
        tick: u64,
        sum: i64,
    ) -> (u32, Option<u64>) {
        if self.predictions.is_empty() {
            return (u32::from(self.membranes[neuron].arrive(lif, tick, sum)), None);
        }
        self.advance_driven(lif, neuron, tick, sum)
    }

    fn advance_driven(
        &mut self,
        lif: &Lif,
        neuron: usize,
        tick: u64,
        sum: i64,
    ) -> (u32, Option<u64>) {
        let membrane = &mut self.membranes[neuron];
        let crossed = membrane.cross(lif, tick, self.predictions[neuron].predicted);
        let fired = crossed + u32::from(membrane.arrive(lif, tick, sum));
        (fired, self.predict(lif, neuron, tick + 1))
    }
}

impl Prediction {
    fn call(&mut self) -> Option<u64> {
        let sooner = self.predicted < self.called;
        sooner.then(|| {
            self.called = self.predicted;
            self.predicted
        })
    }

    fn answer(&mut self, tick: u64) -> (bool, Option<u64>) {
        self.called = NEVER;
        if self.predicted <= tick {
            return (true, None);
        }
        (false, self.call())
    }
}

impl Membrane {
    /// Where the drive alone next brings v to the threshold.
    fn crossing(&self, lif: &Lif) -> Option<Moment> {
        self.since.after(lif.rise_ticks(self.v_mv)?)
    }

    /// Resets at every crossing up to a tick, the first of which was predicted; returns how many.
    fn cross(&mut self, lif: &Lif, tick: u64, mut predicted: u64) -> u32 {
        let mut crossed = 0;
        while predicted <= tick {
            let crossing = self.crossing(lif).expect("a predicted crossing exists");
            self.reset(lif, crossing);
            crossed += 1;
            predicted = self.crossing(lif).map_or(NEVER, Moment::ceil);
        }
        crossed
    }

    /// Adds a sum, unless the neuron is refractory; whether it fires.
    #[inline]
    fn arrive(&mut self, lif: &Lif, tick: u64, sum: i64) -> bool {
        if sum == 0 || self.since > Moment::at(tick) {
            return false;
        }
        let decay = lif.decay(self.since, tick);
        let settled = lif.settled_mv + (self.v_mv - lif.settled_mv) * decay;
        let v_mv = settled + sum as f64 * lif.quantum_mv;
        if lif.fires(v_mv) {
            self.reset(lif, Moment::at(tick));
            return true;
        }
        *self = Self { v_mv, since: Moment::at(tick) };
        false
    }

    fn reset(&mut self, lif: &Lif, crossing: Moment) {
        let beyond = Moment { tick: u64::MAX, fraction: 0.0 };
        let since = crossing.after(lif.refractory_ticks).unwrap_or(beyond);
        *self = Self { v_mv: lif.reset_mv, since };
    }
}

#[cfg(test)]
#[path = "lif_tests.rs"]
mod tests;
