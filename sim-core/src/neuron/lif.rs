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

/// State of one neuron \[bytes\]: potential, moment, prediction.
pub(crate) const STATE_BYTES: u64 = 40;
/// No crossing is predicted, or no call is waiting.
const NEVER: u64 = u64::MAX;

#[derive(Clone, Debug)]
pub(crate) struct Lif {
    tau_ticks: f64,
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
        Self {
            tau_ticks: parameters.tau_ms / tick.ms(),
            settled_mv: parameters.drive_mv,
            threshold_mv: relative(parameters.threshold_mv),
            reset_mv: relative(parameters.reset_mv),
            refractory_ticks: parameters.refractory_ms / tick.ms(),
            initial_mv: relative(parameters.initial_mv),
            strict: parameters.strict,
            quantum_mv,
        }
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
        if self.settled_mv <= self.threshold_mv {
            return None;
        }
        if v_mv >= self.threshold_mv {
            return Some(0.0);
        }
        let rise = (self.settled_mv - v_mv) / (self.settled_mv - self.threshold_mv);
        Some(self.tau_ticks * ln(rise))
    }

    fn fires(&self, v_mv: f64) -> bool {
        if self.strict { v_mv > self.threshold_mv } else { v_mv >= self.threshold_mv }
    }
}

/// The membranes of one population, one array a field.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Membranes {
    /// Potential at `since` (relative to rest).
    pub(crate) v_mv: Vec<f64>,
    /// When v was last re-based: an arrival, a crossing, or the end of refractory time to come.
    pub(crate) since: Vec<Moment>,
    /// The tick of the spike that is predicted.
    predicted: Vec<u64>,
    /// The tick at which the calendar calls next; at most `predicted`.
    called: Vec<u64>,
}

impl Membranes {
    pub(crate) fn new(lif: &Lif, size: usize) -> Self {
        Self {
            v_mv: vec![lif.initial_mv; size],
            since: vec![Moment::at(0); size],
            predicted: vec![NEVER; size],
            called: vec![NEVER; size],
        }
    }

    /// Membranes as a snapshot found them; predictions follow from them.
    pub(crate) fn restored(v_mv: Vec<f64>, since: Vec<Moment>) -> Self {
        let size = v_mv.len();
        Self { v_mv, since, predicted: vec![NEVER; size], called: vec![NEVER; size] }
    }

    /// Predicts a neuron's next crossing, for a tick that hasn't been run; returns the tick at which
    /// the calendar must call, if it doesn't already call earlier.
    pub(crate) fn predict(&mut self, lif: &Lif, neuron: usize, next_tick: u64) -> Option<u64> {
        // A membrane that an arrival left at the threshold itself crosses at once, but the tick
        // of the arrival is over.
        let crossing = self.crossing(lif, neuron);
        self.predicted[neuron] = crossing.map_or(NEVER, |at| at.ceil().max(next_tick));
        self.call(neuron)
    }

    fn crossing(&self, lif: &Lif, neuron: usize) -> Option<Moment> {
        self.since[neuron].after(lif.rise_ticks(self.v_mv[neuron])?)
    }

    fn call(&mut self, neuron: usize) -> Option<u64> {
        let sooner = self.predicted[neuron] < self.called[neuron];
        sooner.then(|| {
            self.called[neuron] = self.predicted[neuron];
            self.predicted[neuron]
        })
    }

    /// The calendar called. Returns whether a crossing is due; if it was put off meanwhile, the
    /// second value says when to call again.
    pub(crate) fn answer(&mut self, neuron: usize, tick: u64) -> (bool, Option<u64>) {
        if self.called[neuron] != tick {
            return (false, None);
        }
        self.called[neuron] = NEVER;
        if self.predicted[neuron] <= tick {
            return (true, None);
        }
        (false, self.call(neuron))
    }

    /// Brings a neuron up to a tick, with the sum of what arrives there \[quanta\]. Returns how
    /// often it fired since the tick before, and when the calendar must call.
    pub(crate) fn advance(
        &mut self,
        lif: &Lif,
        neuron: usize,
        tick: u64,
        sum: i64,
    ) -> (u32, Option<u64>) {
        let mut fired = 0;
        while self.predicted[neuron] <= tick {
            let crossing = self.crossing(lif, neuron).expect("a predicted crossing exists");
            self.reset(lif, neuron, crossing);
            fired += 1;
            let next = self.crossing(lif, neuron);
            self.predicted[neuron] = next.map_or(NEVER, Moment::ceil);
        }
        if sum != 0 && self.since[neuron] <= Moment::at(tick) {
            fired += u32::from(self.arrive(lif, neuron, tick, sum));
            return (fired, self.predict(lif, neuron, tick + 1));
        }
        (fired, self.call(neuron))
    }

    /// Adds a sum to a neuron that isn't refractory; whether it fires.
    fn arrive(&mut self, lif: &Lif, neuron: usize, tick: u64, sum: i64) -> bool {
        let elapsed = self.since[neuron].until(tick);
        let decay = exp(-elapsed / lif.tau_ticks);
        let settled = lif.settled_mv + (self.v_mv[neuron] - lif.settled_mv) * decay;
        let v_mv = settled + sum as f64 * lif.quantum_mv;
        if lif.fires(v_mv) {
            self.reset(lif, neuron, Moment::at(tick));
            return true;
        }
        self.v_mv[neuron] = v_mv;
        self.since[neuron] = Moment::at(tick);
        false
    }

    fn reset(&mut self, lif: &Lif, neuron: usize, crossing: Moment) {
        self.v_mv[neuron] = lif.reset_mv;
        let beyond = Moment { tick: u64::MAX, fraction: 0.0 };
        self.since[neuron] = crossing.after(lif.refractory_ticks).unwrap_or(beyond);
    }
}

#[cfg(test)]
#[path = "lif_tests.rs"]
mod tests;
