//! Neurons that are defined in steps, as the frameworks that train networks define them.
//!
//! One step, with S the sum of the weights that arrived since the step before:
//!
//! ```text
//! x  = input_gain S + bias
//! i' = x                         [Synapse::None]      or  alpha i + x                [Decay]
//!    | alpha (i + x)             [DecayWithInput]     or  (i - synaptic_rate i) + x  [Euler]
//! y  = gain (i' or i) + drive    [Feeds::SameStep or NextStep]
//! h  = beta v + y                [Membrane::Decay]    or  (v - (v - rest) / tau_steps) + y [Leak]
//!    | v + (y - (v - rest)) / tau_steps      [Relax]  or  v + rate ((rest - v) + y)  [Euler]
//! h  loses its reset for the spikes of the step before [ResetAt::NextStep]
//! spikes where h >= threshold, or h > threshold if strict
//! h  loses its reset for these spikes                  [ResetAt::SameStep]
//! v' = max(h, minimum)
//! ```
//!
//! The four forms of the membrane are one equation to a mathematician; they are apart because they
//! round differently, and so are the brackets: a network then makes the spikes here that it makes
//! there, in double precision. A framework that runs in single precision differs where a
//! comparison hangs on its rounding.

use super::{Checks, LARGEST, fields};
use crate::{math::exp, time::TickLength};

/// One population's parameters; weights and potentials are in the framework's own unit.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscreteParameters {
    /// What is kept of the synaptic current, 0 to 1.
    pub alpha: f64,
    /// What is lost of the synaptic current, 0 to 1; for [`Synapse::Euler`].
    pub synaptic_rate: f64,
    /// Times what arrives.
    pub input_gain: f64,
    /// Added to what arrives, as the bias of the layer before.
    pub bias: f64,
    /// Times what the membrane takes.
    pub gain: f64,
    /// Added to what the membrane takes.
    pub drive: f64,
    /// What is kept of the potential, 0 to 1; for [`Membrane::Decay`].
    pub beta: f64,
    /// Time constant \[steps\], 1 or above; for [`Membrane::Leak`] and [`Membrane::Relax`].
    pub tau_steps: f64,
    /// Share of the way to equilibrium, 0 to 1; for [`Membrane::Euler`].
    pub rate: f64,
    /// Resting potential; not for [`Membrane::Decay`], which rests at 0.
    pub rest: f64,
    /// A spike is emitted where the potential reaches this.
    pub threshold: f64,
    /// The value of [`Reset::ToValue`] and [`Reset::SubtractValue`].
    pub reset_value: f64,
    /// The potential never ends a step below this.
    pub minimum: f64,
    /// The potential at the start.
    pub initial_v: f64,
    /// The synaptic current at the start.
    pub initial_i: f64,
    /// How the synaptic current is updated.
    pub synapse: Synapse,
    /// When the membrane takes what arrives.
    pub feeds: Feeds,
    /// How the potential is updated.
    pub membrane: Membrane,
    /// What a spike does to the potential.
    pub reset: Reset,
    /// When it does so.
    pub reset_at: ResetAt,
    /// Whether there is a threshold; a leaky integrator that is only read out has none.
    pub fires: bool,
    /// A spike needs the threshold exceeded, not only reached.
    pub strict: bool,
    /// The most spikes of one step, at least 1. Above 1, as many are emitted as the potential
    /// holds thresholds, and each takes its reset.
    pub multiplicity_max: u32,
}

/// How the synaptic current is updated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synapse {
    /// There is none: `i' = x`.
    #[default]
    None,
    /// `alpha i + x`.
    Decay,
    /// `alpha (i + x)`.
    DecayWithInput,
    /// `(i - synaptic_rate i) + x`.
    Euler,
}

/// When the membrane takes what arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Feeds {
    /// In the step of its arrival: the membrane takes the new current.
    #[default]
    SameStep,
    /// One step later: the membrane takes the current as the step found it.
    NextStep,
}

/// How the potential is updated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Membrane {
    /// `beta v + y`.
    #[default]
    Decay,
    /// `(v - (v - rest) / tau_steps) + y`.
    Leak,
    /// `v + (y - (v - rest)) / tau_steps`.
    Relax,
    /// `v + rate ((rest - v) + y)`.
    Euler,
}

/// What a spike does to the potential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reset {
    /// Nothing.
    None,
    /// Sets it to `reset_value`.
    #[default]
    ToValue,
    /// Subtracts the threshold.
    SubtractThreshold,
    /// Subtracts `reset_value`.
    SubtractValue,
}

/// When a spike acts on the potential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResetAt {
    /// After the comparison that emitted it.
    #[default]
    SameStep,
    /// In the next step, after the update and before its comparison. Whether the potential of
    /// the step before lies above threshold decides, so it is read out as it was compared.
    NextStep,
}

impl Default for DiscreteParameters {
    /// An integrator without leak or synaptic current, threshold 1, reset to 0.
    fn default() -> Self {
        Self {
            alpha: 0.0,
            synaptic_rate: 0.0,
            input_gain: 1.0,
            bias: 0.0,
            gain: 1.0,
            drive: 0.0,
            beta: 1.0,
            tau_steps: 1.0,
            rate: 0.0,
            rest: 0.0,
            threshold: 1.0,
            reset_value: 0.0,
            minimum: -LARGEST,
            initial_v: 0.0,
            initial_i: 0.0,
            synapse: Synapse::default(),
            feeds: Feeds::default(),
            membrane: Membrane::default(),
            reset: Reset::default(),
            reset_at: ResetAt::default(),
            fires: true,
            strict: false,
            multiplicity_max: 1,
        }
    }
}

fields!(DiscreteParameters {
    alpha,
    synaptic_rate,
    input_gain,
    bias,
    gain,
    drive,
    beta,
    tau_steps,
    rate,
    rest,
    threshold,
    reset_value,
    minimum,
    initial_v,
    initial_i,
});

/// The neurons of the frameworks, each as its framework's default unless the text says otherwise.
impl DiscreteParameters {
    /// spikingjelly's `LIFNode(tau, decay_input=False)` in evaluation, and so that of DCLS-Delays,
    /// which trains with tau = 1.005: `H = V - (V - v_reset) / tau + X`, a spike where
    /// `H >= v_threshold`, then `V = v_reset`. `v_reset=None` is [`Reset::SubtractThreshold`]. In
    /// training the framework writes `V (1 - 1 / tau) + X`: [`Membrane::Decay`].
    #[must_use]
    pub fn spikingjelly_lif(tau_steps: f64) -> Self {
        Self { membrane: Membrane::Leak, tau_steps, ..Self::default() }
    }

    /// spikingjelly's `LIFNode(tau, decay_input=True)`, its default:
    /// `H = V + (X - (V - v_reset)) / tau`.
    #[must_use]
    pub fn spikingjelly_lif_decay_input(tau_steps: f64) -> Self {
        Self { membrane: Membrane::Relax, tau_steps, ..Self::default() }
    }

    /// snnTorch's `Leaky(beta)`, with its `reset_mechanism="subtract"` and `reset_delay=True`:
    /// `U' = beta U + X - R threshold`, R being whether `U > threshold`; a spike where
    /// `U' > threshold`. For `reset_mechanism="zero"`, where `U' = beta (1 - R) U + X`, take
    /// [`Reset::ToValue`] at the same step: the spikes are the same, only the potential that is
    /// read out between them isn't the peak. `reset_delay=False` is the same step, too.
    #[must_use]
    pub fn snntorch_leaky(beta: f64) -> Self {
        Self {
            beta,
            reset: Reset::SubtractThreshold,
            reset_at: ResetAt::NextStep,
            strict: true,
            ..Self::default()
        }
    }

    /// snnTorch's `Synaptic(alpha, beta)`: `I' = alpha I + X`, `U' = beta U + I' - R threshold`.
    /// With `reset_mechanism="zero"`, a potential above threshold makes the next one 0, whatever
    /// arrives: [`Reset::ToValue`] at the next step.
    #[must_use]
    pub fn snntorch_synaptic(alpha: f64, beta: f64) -> Self {
        Self { alpha, synapse: Synapse::Decay, ..Self::snntorch_leaky(beta) }
    }

    /// Norse's `LIFCell`, `lif_feed_forward_step`, with times in s:
    /// `v' = v + dt tau_mem_inv ((v_leak - v) + i)`, a spike where `v' > v_th`, then `v = v_reset`;
    /// `i' = i - dt tau_syn_inv i + X`. What arrives reaches the membrane one step later.
    #[must_use]
    pub fn norse_lif(dt: f64, tau_mem_inv: f64, tau_syn_inv: f64) -> Self {
        Self {
            synapse: Synapse::Euler,
            synaptic_rate: dt * tau_syn_inv,
            feeds: Feeds::NextStep,
            membrane: Membrane::Euler,
            rate: dt * tau_mem_inv,
            strict: true,
            ..Self::default()
        }
    }

    /// Sinabs' `LIF(tau_mem)`, with its `norm_input=True`, `MembraneSubtract` and `MultiSpike`
    /// (which has no bound there): `V = a V + (1 - a) X`, a = exp(-1 / tau_mem); then
    /// floor(V / threshold) spikes, each taking a threshold away. With `norm_input=False` the gain
    /// is 1; with `SingleSpike` the multiplicity. `tau_syn` is [`Synapse::DecayWithInput`]. Sinabs
    /// finds `min_v_mem` as `relu(V - min) + min`, which rounds where [`Self::minimum`] doesn't.
    #[must_use]
    pub fn sinabs_lif(tau_steps: f64, multiplicity_max: u32) -> Self {
        let beta = exp(-1.0 / tau_steps);
        Self {
            beta,
            gain: 1.0 - beta,
            reset: Reset::SubtractThreshold,
            multiplicity_max,
            ..Self::default()
        }
    }

    /// The same neuron without a threshold, for reading its potential out.
    #[must_use]
    pub fn silent(self) -> Self {
        Self { fires: false, ..self }
    }
}

impl DiscreteParameters {
    /// Every value that cannot be run with this clock, by field.
    pub(crate) fn check(&self, tick: TickLength, period_ticks: u32) -> Vec<(&'static str, String)> {
        let mut checks = Checks::default();
        self.check_numbers(&mut checks);
        checks.clock(tick, period_ticks, 1);
        checks.within("alpha", self.alpha, 0.0, 1.0);
        checks.within("synaptic_rate", self.synaptic_rate, 0.0, 1.0);
        checks.within("beta", self.beta, 0.0, 1.0);
        checks.within("rate", self.rate, 0.0, 1.0);
        checks.refuse(self.tau_steps < 1.0, "tau_steps", || {
            format!("{} steps; 1 or above is needed", self.tau_steps)
        });
        let rests = self.membrane != Membrane::Decay || self.rest == 0.0;
        checks.need(rests || self.rest.is_nan(), "rest", || {
            format!("{}, but a membrane of kind Decay rests at 0", self.rest)
        });
        if self.fires {
            self.check_firing(&mut checks);
        }
        checks.0
    }

    fn check_firing(&self, checks: &mut Checks) {
        let Self { threshold, reset_value, multiplicity_max, .. } = *self;
        checks.refuse(self.minimum >= threshold, "minimum", || {
            format!("{} is not below the threshold, {threshold}", self.minimum)
        });
        match self.reset {
            Reset::None => {}
            Reset::ToValue => checks.refuse(reset_value >= threshold, "reset_value", || {
                format!("{reset_value} is not below the threshold, {threshold}")
            }),
            Reset::SubtractThreshold => checks.positive("threshold", threshold, "to subtract"),
            Reset::SubtractValue => checks.positive("reset_value", reset_value, "to subtract"),
        }
        checks.need(multiplicity_max > 0, "multiplicity_max", || {
            "0; a neuron that fires makes at least 1 spike".into()
        });
        if multiplicity_max > 1 {
            checks.positive("threshold", threshold, "to count by");
            checks.need(!self.strict, "strict", || {
                format!("up to {multiplicity_max} spikes a step count thresholds that are reached")
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::complains_of, *};

    #[test]
    fn the_profiles_are_sound_and_fields_are_found_by_name() {
        let profiles = [
            DiscreteParameters::default(),
            DiscreteParameters::spikingjelly_lif(1.005),
            DiscreteParameters::spikingjelly_lif_decay_input(2.0),
            DiscreteParameters::snntorch_leaky(0.9),
            DiscreteParameters::snntorch_synaptic(0.8, 0.9),
            DiscreteParameters::norse_lif(1e-3, 100.0, 200.0),
            DiscreteParameters::sinabs_lif(20.0, 255),
            DiscreteParameters::sinabs_lif(20.0, 255).silent(),
        ];
        for mut profile in profiles {
            assert_eq!(profile.check(TickLength::MILLISECOND, 1), []);
            let names = DiscreteParameters::FIELDS;
            assert!(names.iter().all(|name| profile.field_mut(name).is_some()));
        }
    }

    #[test]
    fn refuses_what_cannot_be_run_and_names_field_and_value() {
        let sound = DiscreteParameters::default;
        let refused = |parameters: DiscreteParameters, field, said| {
            let found = parameters.check(TickLength::MILLISECOND, 1);
            assert!(complains_of(&found, field, said), "{field}: {found:?}");
        };
        for name in DiscreteParameters::FIELDS {
            let mut parameters = sound();
            *parameters.field_mut(name).expect("it is listed") = f64::NAN;
            refused(parameters, name, "NaN");
        }
        for name in ["alpha", "synaptic_rate", "beta", "rate"] {
            let mut parameters = sound();
            *parameters.field_mut(name).expect("it is listed") = 1.5;
            refused(parameters, name, "1.5");
        }
        let subtracts = || Self_ { reset: Reset::SubtractThreshold, ..sound() };
        refused(Self_ { tau_steps: 0.5, ..sound() }, "tau_steps", "0.5");
        refused(Self_ { rest: 0.25, ..sound() }, "rest", "0.25");
        refused(Self_ { minimum: 1.0, ..sound() }, "minimum", "1 is not below");
        refused(Self_ { reset_value: 1.5, ..sound() }, "reset_value", "1.5");
        refused(Self_ { threshold: -1.0, ..subtracts() }, "threshold", "-1 ");
        refused(Self_ { reset: Reset::SubtractValue, ..sound() }, "reset_value", "0 ");
        refused(Self_ { multiplicity_max: 0, ..sound() }, "multiplicity_max", "0");
        refused(Self_ { multiplicity_max: 9, strict: true, ..sound() }, "strict", "9");
        let readout = Self_ { reset_value: 1.5, threshold: -1.0, ..subtracts() }.silent();
        assert_eq!(readout.check(TickLength::MILLISECOND, 1), []);
        let still = sound().check(TickLength::MILLISECOND, 0);
        assert!(complains_of(&still, "period_ticks", "0"), "{still:?}");
    }

    type Self_ = DiscreteParameters;
}
