//! The linear integrate-and-fire neuron.
//!
//! `tau dv/dt = -(v - rest) + drive + sum of I_r(t)`, with a current for every receptor r. Without
//! a leak (tau infinite) drive and currents are rates \[mV/ms\]: `dv/dt = drive + sum of I_r(t)`.

use super::LARGEST;
use crate::{neuron::linear::Linear, time::TickLength};

/// Extra states of one neuron: one an exponential receptor, two an alpha, one an adaptation.
pub const MODES_MAX: usize = 8;
/// The most receptors of one neuron.
pub const RECEPTORS_MAX: usize = 8;
/// A neuron that fires more often in one tick than this is refused.
const CROSSINGS_MAX: f64 = 65_535.0;
/// Time constants \[ms\]; beyond them quotients of times would leave the numbers.
const TAU_MS: std::ops::RangeInclusive<f64> = 1e-9..=1e18;

/// Parameters of one neuron.
#[derive(Clone, Debug, PartialEq)]
pub struct LifParameters {
    /// Membrane time constant \[ms\], above 0. Infinite: no leak.
    pub tau_ms: f64,
    /// Resting potential \[mV\].
    pub rest_mv: f64,
    /// Threshold \[mV\], above reset. Infinite: never fires.
    pub threshold_mv: f64,
    /// Potential after a spike \[mV\].
    pub reset_mv: f64,
    /// Constant drive, as the potential it adds at equilibrium \[mV\]; without leak \[mV/ms\].
    pub drive_mv: f64,
    /// Time after a spike in which the membrane stays at reset and is deaf to deliveries; currents
    /// go on and take them up \[ms\].
    pub refractory_ms: f64,
    /// Potential at the start \[mV\].
    pub initial_mv: f64,
    /// A spike needs the threshold exceeded, not only reached.
    pub strict: bool,
    /// What a spike does to the potential.
    pub reset: Reset,
    /// Where deliveries arrive. Empty: one delta receptor without a name.
    pub receptors: Vec<Receptor>,
    /// What a spike does to the threshold.
    pub adaptation: Option<Adaptation>,
}

/// What a spike does to the potential.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Reset {
    /// Sets it to `reset_mv`.
    #[default]
    ToValue,
    /// Takes something off it.
    Subtract {
        /// How much \[mV\], above 0.
        amount_mv: f64,
    },
}

/// Where deliveries arrive.
#[derive(Clone, Debug, PartialEq)]
pub struct Receptor {
    /// Unique in its neuron.
    pub name: String,
    /// What a delivery does.
    pub kind: ReceptorKind,
    /// Effect of one unit of weight \[mV\].
    pub gain: f64,
}

impl Receptor {
    /// A receptor with a gain of 1 mV.
    #[must_use]
    pub fn new(name: &str, kind: ReceptorKind) -> Self {
        Self { name: name.into(), kind, gain: 1.0 }
    }
}

/// What a delivery of weight w does, with g as the gain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ReceptorKind {
    /// Adds `g w` to the potential.
    Delta,
    /// Adds a current of `g w exp(-t / tau)`.
    Exponential {
        /// Time constant \[ms\].
        tau_ms: f64,
    },
    /// Adds a current of `g w (t / tau) exp(1 - t / tau)`, which peaks at `g w`.
    Alpha {
        /// Time to the peak \[ms\].
        tau_ms: f64,
    },
}

/// A threshold of `threshold + a(t)`, `tau da/dt = -a`; a spike adds to a.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adaptation {
    /// Time constant \[ms\].
    pub tau_ms: f64,
    /// What a spike adds \[mV\], 0 or above.
    pub step_mv: f64,
}

impl Default for LifParameters {
    /// Rest and reset at 0 mV, threshold 1 mV, tau 20 ms, no drive, no refractory time, one delta
    /// receptor.
    fn default() -> Self {
        Self {
            tau_ms: 20.0,
            rest_mv: 0.0,
            threshold_mv: 1.0,
            reset_mv: 0.0,
            drive_mv: 0.0,
            refractory_ms: 0.0,
            initial_mv: 0.0,
            strict: false,
            reset: Reset::ToValue,
            receptors: Vec::new(),
            adaptation: None,
        }
    }
}

impl LifParameters {
    /// Names of the numbers that every neuron has. Beside them, where the part is there:
    /// `subtract`, `adaptation.tau`, `adaptation.step`, `receptor.NAME.gain`, `receptor.NAME.tau`.
    pub const FIELDS: [&str; 7] =
        ["tau", "rest", "threshold", "reset", "drive", "refractory", "initial"];

    /// The names of all numbers that these neurons have.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let mut names: Vec<String> = Self::FIELDS.iter().map(|&name| name.into()).collect();
        if matches!(self.reset, Reset::Subtract { .. }) {
            names.push("subtract".into());
        }
        if self.adaptation.is_some() {
            names.extend(["adaptation.tau".into(), "adaptation.step".into()]);
        }
        for Receptor { name, kind, .. } in &self.receptors {
            names.push(format!("receptor.{name}.gain"));
            names.extend(kind.tau_ms().map(|_| format!("receptor.{name}.tau")));
        }
        names
    }

    /// The number of that name, in its unit (`tau` \[ms\], `drive` \[mV\] …).
    pub fn field_mut(&mut self, name: &str) -> Option<&mut f64> {
        match name {
            "tau" => Some(&mut self.tau_ms),
            "rest" => Some(&mut self.rest_mv),
            "threshold" => Some(&mut self.threshold_mv),
            "reset" => Some(&mut self.reset_mv),
            "drive" => Some(&mut self.drive_mv),
            "refractory" => Some(&mut self.refractory_ms),
            "initial" => Some(&mut self.initial_mv),
            "subtract" => match &mut self.reset {
                Reset::Subtract { amount_mv } => Some(amount_mv),
                Reset::ToValue => None,
            },
            "adaptation.tau" => Some(&mut self.adaptation.as_mut()?.tau_ms),
            "adaptation.step" => Some(&mut self.adaptation.as_mut()?.step_mv),
            _ => {
                // A receptor's name may hold dots itself.
                let (receptor, field) = name.strip_prefix("receptor.")?.rsplit_once('.')?;
                let found = self.receptors.iter_mut().find(|known| known.name == receptor)?;
                found.field_mut(field)
            }
        }
    }

    /// Extra states of one neuron.
    #[must_use]
    pub fn modes(&self) -> usize {
        let receptors = self.receptors.iter().map(|receptor| receptor.kind.modes()).sum::<usize>();
        receptors + usize::from(self.adaptation.is_some())
    }

    /// What is wrong, as (field, message).
    #[must_use]
    pub fn check(&self, tick: TickLength) -> Vec<(String, String)> {
        let mut problems = Noted::default();
        self.check_membrane(&mut problems);
        self.check_spike(&mut problems);
        self.check_receptors(&mut problems);
        if problems.0.is_empty() {
            self.check_rate(tick, &mut problems);
        }
        problems.0
    }

    fn check_membrane(&self, problems: &mut Noted) {
        problems.finite("rest", self.rest_mv);
        problems.finite("drive", self.drive_mv);
        problems.finite("initial", self.initial_mv);
        if self.tau_ms != f64::INFINITY {
            problems.time_constant("tau", self.tau_ms);
        }
        let threshold_mv = self.threshold_mv;
        problems.need(
            threshold_mv.abs() <= LARGEST || threshold_mv == f64::INFINITY,
            "threshold",
            || format!("{threshold_mv} is neither within {LARGEST:e} of 0 nor +infinity, for none"),
        );
        problems.refuse(self.initial_mv >= threshold_mv, "initial", || {
            format!("{} mV is not below the threshold of {threshold_mv} mV", self.initial_mv)
        });
    }

    fn check_spike(&self, problems: &mut Noted) {
        problems.finite("reset", self.reset_mv);
        problems.finite("refractory", self.refractory_ms);
        problems.refuse(self.refractory_ms < 0.0, "refractory", || {
            format!("{} ms; a refractory time is 0 or above", self.refractory_ms)
        });
        match self.reset {
            Reset::ToValue => {
                problems.refuse(self.reset_mv >= self.threshold_mv, "reset", || {
                    let threshold_mv = self.threshold_mv;
                    format!("{} mV is not below the threshold of {threshold_mv} mV", self.reset_mv)
                });
            }
            Reset::Subtract { amount_mv } => {
                problems.finite("subtract", amount_mv);
                problems.refuse(amount_mv <= 0.0, "subtract", || {
                    format!("{amount_mv} mV; what a spike takes off is above 0")
                });
            }
        }
        if let Some(Adaptation { tau_ms, step_mv }) = self.adaptation {
            problems.time_constant("adaptation.tau", tau_ms);
            problems.finite("adaptation.step", step_mv);
            problems.refuse(step_mv < 0.0, "adaptation.step", || {
                format!("{step_mv} mV; a step is 0 or above")
            });
        }
    }

    fn check_receptors(&self, problems: &mut Noted) {
        for (position, receptor) in self.receptors.iter().enumerate() {
            let name = &receptor.name;
            problems.finite(&format!("receptor.{name}.gain"), receptor.gain);
            if let Some(tau_ms) = receptor.kind.tau_ms() {
                problems.time_constant(&format!("receptor.{name}.tau"), tau_ms);
            }
            let again = self.receptors[..position].iter().any(|other| other.name == *name);
            problems.need(!again, &format!("receptor.{name}"), || {
                format!("several receptors are named {name:?}")
            });
        }
        let receptors = self.receptors.len();
        problems.need(receptors <= RECEPTORS_MAX, "receptors", || {
            format!("{receptors} of them; {RECEPTORS_MAX} are possible")
        });
        let modes = self.modes();
        problems.need(modes <= MODES_MAX, "receptors", || {
            format!("make {modes} extra states of a neuron; {MODES_MAX} are possible")
        });
    }

    fn check_rate(&self, tick: TickLength, problems: &mut Noted) {
        let quanta = vec![1.0; self.receptors.len().max(1)];
        let crossings = 1.0 / Linear::new(self, tick, &quanta).period_ticks();
        problems.need(crossings <= CROSSINGS_MAX, "drive", || {
            format!(
                "would fire {crossings:.0} times a tick by its drive; {CROSSINGS_MAX} are possible"
            )
        });
    }
}

impl Receptor {
    fn field_mut(&mut self, name: &str) -> Option<&mut f64> {
        match (name, &mut self.kind) {
            ("gain", _) => Some(&mut self.gain),
            ("tau", ReceptorKind::Exponential { tau_ms } | ReceptorKind::Alpha { tau_ms }) => {
                Some(tau_ms)
            }
            _ => None,
        }
    }
}

impl ReceptorKind {
    /// Extra states of one neuron.
    const fn modes(self) -> usize {
        match self {
            Self::Delta => 0,
            Self::Exponential { .. } => 1,
            Self::Alpha { .. } => 2,
        }
    }

    const fn tau_ms(self) -> Option<f64> {
        match self {
            Self::Delta => None,
            Self::Exponential { tau_ms } | Self::Alpha { tau_ms } => Some(tau_ms),
        }
    }
}

#[derive(Default)]
struct Noted(Vec<(String, String)>);

impl Noted {
    /// For comparisons: a NaN compares with nothing and is reported as not finite.
    fn refuse(&mut self, fails: bool, field: &str, message: impl FnOnce() -> String) {
        self.need(!fails, field, message);
    }

    fn need(&mut self, holds: bool, field: &str, message: impl FnOnce() -> String) {
        if !holds {
            self.0.push((field.into(), message()));
        }
    }

    fn finite(&mut self, field: &str, value: f64) {
        self.need(value.abs() <= LARGEST, field, || {
            format!("{value:e} is not a number within {LARGEST:e} of 0")
        });
    }

    fn time_constant(&mut self, field: &str, tau_ms: f64) {
        self.need(TAU_MS.contains(&tau_ms), field, || {
            let (least, most) = (TAU_MS.start(), TAU_MS.end());
            format!("{tau_ms} ms; a time constant is above 0, from {least:e} to {most:e} ms")
        });
    }
}

#[cfg(test)]
#[path = "lif_tests.rs"]
mod tests;
