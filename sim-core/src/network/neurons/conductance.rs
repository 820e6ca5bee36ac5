//! Leaky integrate-and-fire with exponential conductances, as NEST's `iaf_cond_exp` (Meffin,
//! Burkitt and Grayden, Journal of Computational Neuroscience 16, 2004).
//!
//! `C v' = -g_L (v - E_L) - g_e (v - E_e) - g_i (v - E_i) + I`, `tau g' = -g` for both
//! conductances; when v reaches the threshold, v becomes the reset potential and stays there for
//! the refractory time.

use super::{Checks, fields};
use crate::time::TickLength;

/// One population's parameters. Receptor 0 is excitatory, 1 inhibitory; weights are \[nS\] and
/// positive for both.
#[derive(Clone, Debug, PartialEq)]
pub struct ConductanceParameters {
    /// Membrane capacitance C \[pF\].
    pub capacitance_pf: f64,
    /// Leak conductance g_L \[nS\].
    pub leak_ns: f64,
    /// Leak reversal potential E_L \[mV\].
    pub rest_mv: f64,
    /// A spike is emitted where v reaches this \[mV\]; above reset.
    pub threshold_mv: f64,
    /// v after a spike \[mV\].
    pub reset_mv: f64,
    /// Decay of the excitatory conductance \[ms\].
    pub tau_excitatory_ms: f64,
    /// Decay of the inhibitory conductance \[ms\].
    pub tau_inhibitory_ms: f64,
    /// Excitatory reversal potential E_e \[mV\].
    pub excitatory_mv: f64,
    /// Inhibitory reversal potential E_i \[mV\].
    pub inhibitory_mv: f64,
    /// Constant current I \[pA\].
    pub drive_pa: f64,
    /// Time after the crossing itself in which v stays at reset \[ms\]; the conductances go on.
    pub refractory_ms: f64,
    /// v at the start \[mV\].
    pub initial_mv: f64,
    /// Integration steps in a clock period, at least 1.
    pub substeps: u32,
}

impl Default for ConductanceParameters {
    /// Those of NEST's `iaf_cond_exp`.
    fn default() -> Self {
        Self {
            capacitance_pf: 250.0,
            leak_ns: 16.666_7,
            rest_mv: -70.0,
            threshold_mv: -55.0,
            reset_mv: -60.0,
            tau_excitatory_ms: 0.2,
            tau_inhibitory_ms: 2.0,
            excitatory_mv: 0.0,
            inhibitory_mv: -85.0,
            drive_pa: 0.0,
            refractory_ms: 2.0,
            initial_mv: -70.0,
            substeps: 1,
        }
    }
}

fields!(ConductanceParameters {
    capacitance_pf,
    leak_ns,
    rest_mv,
    threshold_mv,
    reset_mv,
    tau_excitatory_ms,
    tau_inhibitory_ms,
    excitatory_mv,
    inhibitory_mv,
    drive_pa,
    refractory_ms,
    initial_mv,
});

impl ConductanceParameters {
    /// Every value that cannot be run with this clock, by field.
    pub(crate) fn check(&self, tick: TickLength, period_ticks: u32) -> Vec<(&'static str, String)> {
        let mut checks = Checks::default();
        self.check_numbers(&mut checks);
        checks.positive("capacitance_pf", self.capacitance_pf, "pF");
        checks.positive("leak_ns", self.leak_ns, "nS");
        checks.positive("tau_excitatory_ms", self.tau_excitatory_ms, "ms");
        checks.positive("tau_inhibitory_ms", self.tau_inhibitory_ms, "ms");
        checks.not_negative("refractory_ms", self.refractory_ms, "ms");
        checks.refuse(self.threshold_mv <= self.reset_mv, "threshold_mv", || {
            format!("{} mV; above reset, {} mV, is needed", self.threshold_mv, self.reset_mv)
        });
        // The scheme is stable for any step; a step longer than a time constant is only wrong.
        let step_ms = checks.clock(tick, period_ticks, self.substeps);
        checks.resolves("capacitance_pf", step_ms, self.capacitance_pf / self.leak_ns);
        checks.resolves("tau_excitatory_ms", step_ms, self.tau_excitatory_ms);
        checks.resolves("tau_inhibitory_ms", step_ms, self.tau_inhibitory_ms);
        checks.0
    }
}

#[cfg(test)]
mod tests {
    use super::{super::complains_of, *};

    #[test]
    fn the_defaults_are_sound_and_fields_are_found_by_name() {
        let mut parameters = ConductanceParameters::default();
        assert_eq!(parameters.check(TickLength::MICROSECOND, 100), []);
        let names = ConductanceParameters::FIELDS;
        assert!(names.iter().all(|name| parameters.field_mut(name).is_some()));
        assert_eq!(parameters.field_mut("substeps"), None);
    }

    #[test]
    fn refuses_what_cannot_be_run_and_names_field_and_value() {
        let refused = |field: &'static str, value: f64, said: &str| {
            let mut parameters = ConductanceParameters::default();
            *parameters.field_mut(field).expect("it is listed") = value;
            let found = parameters.check(TickLength::MICROSECOND, 100);
            assert!(complains_of(&found, field, said), "{field}: {found:?}");
        };
        for name in ConductanceParameters::FIELDS {
            refused(name, f64::NAN, "NaN");
            refused(name, f64::INFINITY, "inf");
            refused(name, -1e31, "1e30");
        }
        for name in ["capacitance_pf", "leak_ns", "tau_excitatory_ms", "tau_inhibitory_ms"] {
            refused(name, 0.0, "0 ");
            refused(name, -3.5, "-3.5 ");
        }
        refused("refractory_ms", -0.5, "-0.5 ms");
        refused("threshold_mv", -60.0, "-60 mV");
        refused("tau_excitatory_ms", 0.05, "0.05 ms");
        refused("capacitance_pf", 1.0, "steps of 0.1 ms");
    }
}
