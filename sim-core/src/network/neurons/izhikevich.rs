//! The simple model of Izhikevich, "Simple model of spiking neurons", IEEE Transactions on Neural
//! Networks 14(6), 2003.
//!
//! `v' = 0.04 v² + 5 v + 140 - u + I`, `u' = a (b v - u)`, time in ms; when v reaches its peak, v
//! becomes c and u grows by d. The numbers carry the model's units: v and u are mV, I is mV/ms.

use super::{Checks, fields};
use crate::time::TickLength;

/// The longest integration step for which the quadratic is stable about rest \[ms\]: there its
/// slope is about -1.4 per ms at -80 mV.
const STEP_MS_MAX: f64 = 1.0;

/// One population's parameters.
///
/// | | a | b | c | d |
/// |---|---|---|---|---|
/// | regular spiking | 0.02 | 0.2 | -65 | 8 |
/// | intrinsically bursting | 0.02 | 0.2 | -55 | 4 |
/// | chattering | 0.02 | 0.2 | -50 | 2 |
/// | fast spiking | 0.1 | 0.2 | -65 | 2 |
/// | low-threshold spiking | 0.02 | 0.25 | -65 | 2 |
#[derive(Clone, Debug, PartialEq)]
pub struct IzhikevichParameters {
    /// Rate of recovery \[1/ms\].
    pub a: f64,
    /// How u follows v.
    pub b: f64,
    /// v after a spike \[mV\], below the peak.
    pub c: f64,
    /// What a spike adds to u \[mV\].
    pub d: f64,
    /// A spike is emitted where v reaches this \[mV\].
    pub peak: f64,
    /// Constant current I \[mV/ms\].
    pub drive: f64,
    /// v at the start \[mV\].
    pub initial_v: f64,
    /// u at the start \[mV\].
    pub initial_u: f64,
    /// How the equations are integrated.
    pub scheme: Scheme,
    /// What a delivery does.
    pub input: Input,
    /// Integration steps in a clock period, at least 1.
    pub substeps: u32,
}

/// How the equations are integrated, h being the integration step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// Two Euler steps of h / 2 for v, then one of h for u with the v so found: the code of the
    /// 2003 paper, and NEST with `consistent_integration` false. Meant for h = 1 ms.
    #[default]
    Published,
    /// One Euler step of h for both, from the state before it; NEST's default.
    Euler,
}

/// What a delivery does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// Adds its weight \[mV/ms\] to I throughout the clock period that ends at its step, as the
    /// 2003 paper; its effect is proportional to the period.
    #[default]
    Current,
    /// Adds its weight \[mV\] to v at the step, before v is compared with the peak, as NEST with
    /// the Euler scheme.
    Potential,
}

impl Default for IzhikevichParameters {
    /// Regular spiking, at v = -65 mV with u = b v; integrated as published, one step a period.
    fn default() -> Self {
        Self {
            a: 0.02,
            b: 0.2,
            c: -65.0,
            d: 8.0,
            peak: 30.0,
            drive: 0.0,
            initial_v: -65.0,
            initial_u: -13.0,
            scheme: Scheme::default(),
            input: Input::default(),
            substeps: 1,
        }
    }
}

fields!(IzhikevichParameters { a, b, c, d, peak, drive, initial_v, initial_u });

impl IzhikevichParameters {
    /// Every value that cannot be run with this clock, by field.
    pub(crate) fn check(&self, tick: TickLength, period_ticks: u32) -> Vec<(&'static str, String)> {
        let mut checks = Checks::default();
        self.check_numbers(&mut checks);
        checks.refuse(self.peak <= self.c, "peak", || {
            format!("{} mV; above c, {} mV, is needed", self.peak, self.c)
        });
        if let Some(step_ms) = checks.clock(tick, period_ticks, self.substeps) {
            checks.need(step_ms <= STEP_MS_MAX, "substeps", || {
                format!(
                    "{} make integration steps of {step_ms} ms; the model is unstable above \
                     {STEP_MS_MAX} ms",
                    self.substeps
                )
            });
            checks.refuse(self.a.abs() * step_ms > 1.0, "a", || {
                format!("{} per ms; integration steps of {step_ms} ms are too long", self.a)
            });
        }
        checks.0
    }
}

#[cfg(test)]
mod tests {
    use super::{super::complains_of, *};

    fn found(parameters: &IzhikevichParameters) -> Vec<(&'static str, String)> {
        parameters.check(TickLength::MICROSECOND, 1_000)
    }

    #[test]
    fn the_defaults_are_sound_and_fields_are_found_by_name() {
        let mut parameters = IzhikevichParameters::default();
        assert_eq!(found(&parameters), []);
        for (position, name) in IzhikevichParameters::FIELDS.iter().enumerate() {
            *parameters.field_mut(name).expect("it is listed") = position as f64;
        }
        assert_eq!([parameters.a, parameters.b, parameters.initial_u], [0.0, 1.0, 7.0]);
        assert_eq!(parameters.field_mut("scheme"), None);
    }

    #[test]
    fn refuses_what_cannot_be_run_and_names_field_and_value() {
        let sound = IzhikevichParameters::default;
        let refused = |parameters: IzhikevichParameters, field, value| {
            let found = found(&parameters);
            assert!(complains_of(&found, field, value), "{field}: {found:?}");
        };
        refused(IzhikevichParameters { a: f64::NAN, ..sound() }, "a", "NaN");
        refused(IzhikevichParameters { d: f64::INFINITY, ..sound() }, "d", "inf");
        refused(IzhikevichParameters { b: -2e30, ..sound() }, "b", "1e30");
        refused(IzhikevichParameters { c: 30.0, ..sound() }, "peak", "30 mV");
        refused(IzhikevichParameters { a: 1.5, ..sound() }, "a", "1.5 per ms");
        refused(IzhikevichParameters { substeps: 0, ..sound() }, "substeps", "0");
        let coarse = sound().check(TickLength::MILLISECOND, 3);
        assert!(complains_of(&coarse, "substeps", "3 ms"), "{coarse:?}");
        let still = sound().check(TickLength::MILLISECOND, 0);
        assert!(complains_of(&still, "period_ticks", "0"), "{still:?}");
    }
}
