//! Parameters of the clocked neuron models: those without a closed form, or defined in steps.
//!
//! Such a neuron is stepped once per clock period, a whole number of ticks counted from tick 0.
//! The step at a tick carries the state from the step before it up to that tick; what arrived
//! since then acts as the model says. A spike is emitted at the tick of its step.

pub mod adex;
mod check;
pub mod conductance;
pub mod discrete;
pub mod izhikevich;
pub mod lif;

pub use adex::AdexParameters;
pub use conductance::ConductanceParameters;
pub use discrete::{DiscreteParameters, Feeds, Membrane, Reset, ResetAt, Synapse};
pub use izhikevich::{Input, IzhikevichParameters, Scheme};

pub(crate) use check::population;

use crate::time::TickLength;

/// Parameters of clocked neurons must lie within ± this, in their unit. What arrives and every
/// state variable is clipped to it, so that no step ever makes an infinity or a NaN.
pub const LARGEST: f64 = 1e30;
/// What has to be above zero is at least this, so that dividing by it stays finite.
pub const SMALLEST: f64 = 1e-30;
/// The most integration steps in a clock period.
pub const SUBSTEPS_MAX: u32 = 65_536;

/// The length of a clock period \[ms\].
pub(crate) fn period_ms(tick: TickLength, period_ticks: u32) -> f64 {
    // Below 2^62: a tick is at most 1e9 ns long.
    (tick.ns() * u64::from(period_ticks)) as f64 / 1e6
}

/// `FIELDS` and `field_mut` of a description, from one list of its numbers.
macro_rules! fields {
    ($parameters:ty { $($field:ident),+ $(,)? }) => {
        impl $parameters {
            /// The names of the numbers among its fields, in order: those that may differ from
            /// neuron to neuron and be set by name.
            pub const FIELDS: &[&str] = &[$(stringify!($field)),+];

            /// A number by the name of its field.
            pub fn field_mut(&mut self, name: &str) -> Option<&mut f64> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)+
                    _ => None,
                }
            }

            /// Notes every number that no model can use.
            fn check_numbers(&self, checks: &mut Checks) {
                $(checks.number(stringify!($field), self.$field);)+
            }
        }
    };
}
use fields;

/// What is wrong with a description: (field, what is wrong with its value).
#[derive(Debug, Default)]
struct Checks(Vec<(&'static str, String)>);

impl Checks {
    fn need(&mut self, holds: bool, field: &'static str, message: impl FnOnce() -> String) {
        self.refuse(!holds, field, message);
    }

    /// For comparisons: a NaN compares with nothing and is left to `number` to report.
    fn refuse(&mut self, fails: bool, field: &'static str, message: impl FnOnce() -> String) {
        if fails {
            self.0.push((field, message()));
        }
    }

    /// Finite and of a size that can be calculated with.
    fn number(&mut self, field: &'static str, value: f64) {
        self.need(value.is_finite(), field, || format!("{value} is not a finite number"));
        self.need(!value.is_finite() || value.abs() <= LARGEST, field, || {
            format!("{value} is beyond ±{LARGEST:e}")
        });
    }

    /// Above zero.
    fn positive(&mut self, field: &'static str, value: f64, unit: &str) {
        self.refuse(value < SMALLEST, field, || {
            format!("{value} {unit}; {SMALLEST:e} {unit} or above is needed")
        });
    }

    fn not_negative(&mut self, field: &'static str, value: f64, unit: &str) {
        self.refuse(value < 0.0, field, || format!("{value} {unit}; 0 or above is needed"));
    }

    fn within(&mut self, field: &'static str, value: f64, least: f64, most: f64) {
        self.refuse(value < least || value > most, field, || {
            format!("{value} is not in {least}..={most}")
        });
    }

    /// The clock itself, and the length of an integration step \[ms\] where it is sound.
    fn clock(&mut self, tick: TickLength, period_ticks: u32, substeps: u32) -> Option<f64> {
        self.need(period_ticks > 0, "period_ticks", || "0; at least 1 tick is needed".into());
        let sound = (1..=SUBSTEPS_MAX).contains(&substeps);
        self.need(sound, "substeps", || format!("{substeps} is not in 1..={SUBSTEPS_MAX}"));
        (sound && period_ticks > 0).then(|| period_ms(tick, period_ticks) / f64::from(substeps))
    }

    /// An integration step must not be longer than the time constant that it follows \[ms\].
    fn resolves(&mut self, field: &'static str, step_ms: Option<f64>, constant_ms: f64) {
        let Some(step_ms) = step_ms else { return };
        self.refuse(constant_ms < step_ms, field, || {
            format!(
                "a time constant of {constant_ms} ms, but integration steps of {step_ms} ms: \
                 more substeps or a shorter period are needed"
            )
        });
    }
}

/// Whether anything is wrong with a field, for tests.
#[cfg(test)]
pub(crate) fn complains_of(found: &[(&'static str, String)], field: &str, value: &str) -> bool {
    found.iter().any(|(name, message)| *name == field && message.contains(value))
}
