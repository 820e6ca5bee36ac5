//! The adaptive exponential integrate-and-fire neuron of Brette and Gerstner, Journal of
//! Neurophysiology 94, 2005, with exponential conductances as NEST's `aeif_cond_exp`.
//!
//! ```text
//! C v'     = -g_L (v - E_L) + g_L Δ exp((v - V_T) / Δ) - w - g_e (v - E_e) - g_i (v - E_i) + I
//! tau_w w' = a (v - E_L) - w
//! ```
//!
//! When v reaches its peak, v becomes the reset potential and w grows by b.

use super::{Checks, fields};
use crate::time::TickLength;

/// The largest exponent of the spike current; that of the 2005 paper is 25.
const EXPONENT_MAX: f64 = 200.0;

/// One population's parameters. Receptor 0 is excitatory, 1 inhibitory; weights are \[nS\] and
/// positive for both.
#[derive(Clone, Debug, PartialEq)]
pub struct AdexParameters {
    /// Membrane capacitance C \[pF\].
    pub capacitance_pf: f64,
    /// Leak conductance g_L \[nS\].
    pub leak_ns: f64,
    /// Leak reversal potential E_L \[mV\].
    pub rest_mv: f64,
    /// Threshold V_T of the spike current \[mV\].
    pub threshold_mv: f64,
    /// Slope factor Δ of the spike current \[mV\].
    pub slope_mv: f64,
    /// A spike is emitted where v reaches this \[mV\]; above reset.
    pub peak_mv: f64,
    /// v after a spike \[mV\].
    pub reset_mv: f64,
    /// Time constant of adaptation \[ms\].
    pub tau_w_ms: f64,
    /// Subthreshold adaptation \[nS\].
    pub a_ns: f64,
    /// What a spike adds to w \[pA\].
    pub b_pa: f64,
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
    /// Time after a spike in which v stays at reset \[ms\], rounded to whole integration steps; w
    /// and the conductances go on.
    pub refractory_ms: f64,
    /// v at the start \[mV\].
    pub initial_mv: f64,
    /// w at the start \[pA\].
    pub initial_w_pa: f64,
    /// Integration steps in a clock period, at least 1.
    pub substeps: u32,
}

impl Default for AdexParameters {
    /// The membrane of the 2005 paper; synapses, reset and peak of NEST's `aeif_cond_exp`.
    fn default() -> Self {
        Self {
            capacitance_pf: 281.0,
            leak_ns: 30.0,
            rest_mv: -70.6,
            threshold_mv: -50.4,
            slope_mv: 2.0,
            peak_mv: 0.0,
            reset_mv: -60.0,
            tau_w_ms: 144.0,
            a_ns: 4.0,
            b_pa: 80.5,
            tau_excitatory_ms: 0.2,
            tau_inhibitory_ms: 2.0,
            excitatory_mv: 0.0,
            inhibitory_mv: -85.0,
            drive_pa: 0.0,
            refractory_ms: 0.0,
            initial_mv: -70.6,
            initial_w_pa: 0.0,
            substeps: 1,
        }
    }
}

fields!(AdexParameters {
    capacitance_pf,
    leak_ns,
    rest_mv,
    threshold_mv,
    slope_mv,
    peak_mv,
    reset_mv,
    tau_w_ms,
    a_ns,
    b_pa,
    tau_excitatory_ms,
    tau_inhibitory_ms,
    excitatory_mv,
    inhibitory_mv,
    drive_pa,
    refractory_ms,
    initial_mv,
    initial_w_pa,
});

impl AdexParameters {
    /// Every value that cannot be run with this clock, by field.
    pub(crate) fn check(&self, tick: TickLength, period_ticks: u32) -> Vec<(&'static str, String)> {
        let mut checks = Checks::default();
        self.check_numbers(&mut checks);
        checks.positive("capacitance_pf", self.capacitance_pf, "pF");
        checks.positive("leak_ns", self.leak_ns, "nS");
        checks.positive("slope_mv", self.slope_mv, "mV");
        checks.positive("tau_w_ms", self.tau_w_ms, "ms");
        checks.positive("tau_excitatory_ms", self.tau_excitatory_ms, "ms");
        checks.positive("tau_inhibitory_ms", self.tau_inhibitory_ms, "ms");
        checks.not_negative("refractory_ms", self.refractory_ms, "ms");
        checks.refuse(self.peak_mv <= self.reset_mv, "peak_mv", || {
            format!("{} mV; above reset, {} mV, is needed", self.peak_mv, self.reset_mv)
        });
        checks.refuse(self.peak_mv < self.threshold_mv, "peak_mv", || {
            format!("{} mV is below the threshold, {} mV", self.peak_mv, self.threshold_mv)
        });
        let exponent = (self.peak_mv - self.threshold_mv) / self.slope_mv;
        checks.refuse(exponent > EXPONENT_MAX, "slope_mv", || {
            format!(
                "{} mV makes a spike current of e^{exponent} at the peak; at most e^{EXPONENT_MAX}",
                self.slope_mv
            )
        });
        let step_ms = checks.clock(tick, period_ticks, self.substeps);
        checks.resolves("tau_w_ms", step_ms, self.tau_w_ms);
        checks.resolves("capacitance_pf", step_ms, self.capacitance_pf / self.leak_ns);
        checks.0
    }
}

#[cfg(test)]
mod tests {
    use super::{super::complains_of, *};

    #[test]
    fn the_defaults_are_sound_and_fields_are_found_by_name() {
        let mut parameters = AdexParameters::default();
        assert_eq!(parameters.check(TickLength::MICROSECOND, 100), []);
        *parameters.field_mut("b_pa").expect("it is listed") = 7.0;
        assert_eq!(parameters.b_pa, 7.0);
        assert!(AdexParameters::FIELDS.iter().all(|name| parameters.field_mut(name).is_some()));
    }

    #[test]
    fn refuses_what_cannot_be_run_and_names_field_and_value() {
        let refused = |field: &'static str, value: f64, said: &str| {
            let mut parameters = AdexParameters::default();
            *parameters.field_mut(field).expect("it is listed") = value;
            let found = parameters.check(TickLength::MICROSECOND, 100);
            assert!(complains_of(&found, field, said), "{field}: {found:?}");
        };
        for name in AdexParameters::FIELDS {
            refused(name, f64::NAN, "NaN");
            refused(name, f64::NEG_INFINITY, "-inf");
            refused(name, 1e31, "1e30");
        }
        for name in ["capacitance_pf", "leak_ns", "slope_mv", "tau_w_ms"] {
            refused(name, 0.0, "0 ");
            refused(name, -3.5, "-3.5 ");
        }
        refused("tau_excitatory_ms", 0.0, "0 ms");
        refused("tau_inhibitory_ms", -1.0, "-1 ms");
        refused("refractory_ms", -1.0, "-1 ms");
        refused("peak_mv", -60.0, "-60 mV");
        refused("peak_mv", -51.0, "below the threshold");
        refused("slope_mv", 0.25, "0.25 mV");
        refused("tau_w_ms", 0.05, "0.05 ms");
        refused("capacitance_pf", 2.0, "0.0666");
    }
}
