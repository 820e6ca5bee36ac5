//! A linear integrate-and-fire neuron with currents, adaptation and a drive that changes: its
//! closed form looked at many times a tick.
//!
//! With `k = 1 / tau_s - 1 / tau_m` a current of `I exp(-t / tau_s)` has brought the potential to
//! `I (t / tau_m) exp(-t / tau_m) f(kt)`, and one of `I (t / tau_s) exp(-t / tau_s)` to
//! `I t² / (tau_m tau_s) exp(-t / tau_m) g(kt)`, where `f(x) = (1 - exp(-x)) / x` and
//! `g(x) = (1 - (1 + x) exp(-x)) / x²`.

use sim_core::network::*;

use super::{CLOSE, TooClose};

/// Looks a tick. No time constant is below four ticks.
const LOOKS: u32 = 16;
/// So far below the threshold nothing crosses it between two looks \[mV\].
const FAR_MV: f64 = 0.1;
/// More crossings of one tick than a case should have: the core has a bound for them.
const CROSSINGS_MAX: u32 = 50;

/// One neuron; its state is that at `since`. Potentials are relative to rest, times in ticks.
#[derive(Clone)]
pub(super) struct Linear {
    pub(super) parameters: LifParameters,
    tick_ms: f64,
    v: f64,
    /// Of each receptor: a current, and what makes it rise.
    currents: Vec<[f64; 2]>,
    /// What the threshold is higher.
    raised: f64,
    since: f64,
}

impl Linear {
    pub(super) fn new(parameters: &LifParameters, tick_ms: f64) -> Self {
        let mut parameters = parameters.clone();
        if parameters.receptors.is_empty() {
            parameters.receptors.push(Receptor::new("", ReceptorKind::Delta));
        }
        let currents = vec![[0.0; 2]; parameters.receptors.len()];
        let v = parameters.initial_mv - parameters.rest_mv;
        Self { parameters, tick_ms, v, currents, raised: 0.0, since: 0.0 }
    }

    /// How often it fires in the tick that ends now, given the sums of its receptors, and with
    /// another drive from now on.
    pub(super) fn tick(
        &mut self,
        tick: u64,
        sums: &[f64],
        drive_mv: Option<f64>,
    ) -> Result<u32, TooClose> {
        let now = tick as f64;
        let mut fired = 0;
        while self.since < now
            && let Some(crossing) = self.crossing(self.since.max(now - 1.0), now)?
        {
            self.spike(crossing);
            fired += 1;
            if fired > CROSSINGS_MAX {
                return Err(TooClose);
            }
        }
        if sums.iter().any(|&sum| sum != 0.0) {
            fired += u32::from(self.arrive(now, sums, fired > 0)?);
        }
        if let Some(drive_mv) = drive_mv {
            if self.since <= now {
                *self = self.at(now);
            }
            self.parameters.drive_mv = drive_mv;
        }
        Ok(fired)
    }

    /// Runs on from the start of a tick with other parameters; the potential stays where it is.
    pub(super) fn change(&mut self, tick: u64, set: impl FnOnce(&mut LifParameters)) {
        let last = tick as f64 - 1.0;
        if self.since < last {
            *self = self.at(last);
        }
        let rest_mv = self.parameters.rest_mv;
        set(&mut self.parameters);
        self.v += rest_mv - self.parameters.rest_mv;
    }

    /// Whether nothing but what arrives makes it fire, once what was set has: then it does so once a
    /// tick at most, and what would make it do so again does in the next.
    fn fires_once(&self) -> bool {
        let LifParameters { adaptation, drive_mv, .. } = self.parameters;
        let asked_mv = self.parameters.threshold_mv - self.parameters.rest_mv;
        let is_driven =
            if self.parameters.tau_ms.is_infinite() { drive_mv > 0.0 } else { drive_mv > asked_mv };
        let is_plain = self.parameters.receptors.iter().all(|receptor| tau_ms(receptor).is_none())
            && adaptation.is_none()
            && self.parameters.reset == Reset::ToValue;
        is_plain && !is_driven
    }

    fn ticks(&self, ms: f64) -> f64 {
        ms / self.tick_ms
    }

    fn at(&self, time: f64) -> Self {
        let t = time - self.since;
        let mut then = Self { since: time, ..self.clone() };
        let (tau, drive) = (self.ticks(self.parameters.tau_ms), self.parameters.drive_mv);
        then.v = if tau.is_infinite() {
            self.v + drive * self.tick_ms * t
        } else {
            drive + (self.v - drive) * libm::exp(-t / tau)
        };
        for (receptor, current) in self.parameters.receptors.iter().zip(&mut then.currents) {
            let Some(tau_s) = tau_ms(receptor).map(|tau_ms| self.ticks(tau_ms)) else { continue };
            let [now, rise] = *current;
            let decay = libm::exp(-t / tau_s);
            then.v += if tau.is_infinite() {
                let gained = self.tick_ms * tau_s;
                now * gained * (1.0 - decay) + rise * gained * (1.0 - decay * (1.0 + t / tau_s))
            } else {
                let (left, x) = (libm::exp(-t / tau), t / tau_s - t / tau);
                (now * t / tau * f(x) + rise * t * t / (tau * tau_s) * g(x)) * left
            };
            *current = [(now + rise * t / tau_s) * decay, rise * decay];
        }
        if let Some(adaptation) = self.parameters.adaptation {
            then.raised *= libm::exp(-t / self.ticks(adaptation.tau_ms));
        }
        then
    }

    /// How far the potential is above the threshold.
    fn above(&self, time: f64) -> f64 {
        let then = self.at(time);
        then.v + self.parameters.rest_mv - self.parameters.threshold_mv - then.raised
    }

    fn crossing(&self, from: f64, to: f64) -> Result<Option<f64>, TooClose> {
        let mut before = (from, self.above(from));
        if not_close(before.1)? > 0.0 {
            return Ok(Some(from));
        }
        for look in 1..=LOOKS {
            let time = from + (to - from) * f64::from(look) / f64::from(LOOKS);
            let above = not_close(self.above(time))?;
            if above > 0.0 {
                return self.root(before.0, time).map(Some);
            }
            if before.1.max(above) > -FAR_MV {
                let summit = self.summit(before.0, time);
                if not_close(self.above(summit))? > 0.0 {
                    return self.root(before.0, summit).map(Some);
                }
            }
            before = (time, above);
        }
        Ok(None)
    }

    /// Where it is highest between two looks.
    fn summit(&self, mut from: f64, mut to: f64) -> f64 {
        for _ in 0..60 {
            let third = (to - from) / 3.0;
            let (early, late) = (from + third, to - third);
            *(if self.above(early) > self.above(late) { &mut to } else { &mut from }) =
                if self.above(early) > self.above(late) { late } else { early };
        }
        from
    }

    fn root(&self, mut below: f64, mut above: f64) -> Result<f64, TooClose> {
        for _ in 0..60 {
            let middle = 0.5 * (below + above);
            *(if self.above(middle) > 0.0 { &mut above } else { &mut below }) = middle;
        }
        not_close(above - above.round())?;
        Ok(above)
    }

    fn spike(&mut self, time: f64) {
        let mut then = self.at(time);
        then.raised += then.parameters.adaptation.map_or(0.0, |adaptation| adaptation.step_mv);
        let v = match then.parameters.reset {
            Reset::ToValue => then.parameters.reset_mv - then.parameters.rest_mv,
            Reset::Subtract { amount_mv } => then.v - amount_mv,
        };
        // All but the potential goes on in refractory time.
        let end = time + self.ticks(self.parameters.refractory_ms);
        *self = Self { v, ..then.at(end) };
    }

    /// Whether what arrives makes it fire.
    fn arrive(&mut self, now: f64, sums: &[f64], has_fired: bool) -> Result<bool, TooClose> {
        if self.since < now {
            *self = self.at(now);
        }
        // In refractory time currents are taken up, as far as they last to its end.
        let ahead = self.since - now;
        if ahead > 0.0 {
            not_close(ahead)?;
        }
        let mut lifted = false;
        for (at, &sum) in sums.iter().enumerate() {
            let Receptor { kind, gain, .. } = &self.parameters.receptors[at];
            let strength = gain * sum;
            match *kind {
                ReceptorKind::Delta if ahead == 0.0 => {
                    self.v += strength;
                    lifted |= sum != 0.0;
                }
                ReceptorKind::Delta => {}
                ReceptorKind::Exponential { tau_ms } => {
                    self.currents[at][0] += strength * libm::exp(-ahead / self.ticks(tau_ms));
                }
                ReceptorKind::Alpha { tau_ms } => {
                    let passed = ahead / self.ticks(tau_ms);
                    let rise = strength * libm::exp(1.0 - passed);
                    self.currents[at][0] += rise * passed;
                    self.currents[at][1] += rise;
                }
            }
        }
        let may_fire = !(has_fired && self.fires_once());
        let fires = lifted && may_fire && not_close(self.above(now))? > 0.0;
        if fires {
            self.spike(now);
        }
        Ok(fires)
    }
}

fn tau_ms(receptor: &Receptor) -> Option<f64> {
    match receptor.kind {
        ReceptorKind::Delta => None,
        ReceptorKind::Exponential { tau_ms } | ReceptorKind::Alpha { tau_ms } => Some(tau_ms),
    }
}

fn f(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { -libm::expm1(-x) / x }
}

/// By its series where the fraction would lose its digits.
fn g(x: f64) -> f64 {
    if x.abs() > 0.5 {
        return (1.0 - (1.0 + x) * libm::exp(-x)) / (x * x);
    }
    let (mut term, mut sum) = (1.0, 0.0);
    for n in 0..20 {
        sum += term / f64::from(n + 2);
        term *= -x / f64::from(n + 1);
    }
    sum
}

/// A number on whose sign something hangs.
fn not_close(value: f64) -> Result<f64, TooClose> {
    if value.abs() < CLOSE { Err(TooClose) } else { Ok(value) }
}
