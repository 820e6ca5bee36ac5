//! Neurons that are defined in steps; one file of parameters covers the frameworks that train
//! networks. The update, its order and its brackets stand at
//! [`network::neurons::discrete`](crate::network::neurons::discrete).
//!
//! Nothing is approximated: the step is the definition. Where there is no synaptic current, its
//! variable holds what arrived last, for [`Feeds::NextStep`].

use super::clocked::{Clocked, clipped};
use crate::{
    network::neurons::{DiscreteParameters, Feeds, LARGEST, Membrane, Reset, ResetAt, Synapse},
    time::TickLength,
};

/// v and i.
pub(crate) const STATE: usize = 2;
/// One sum.
pub(crate) const RECEPTORS: usize = 1;

#[derive(Clone, Debug)]
pub(crate) struct Discrete {
    parameters: DiscreteParameters,
}

impl Clocked<STATE, RECEPTORS> for Discrete {
    type Parameters = DiscreteParameters;

    /// The clock only says how often: the definition knows no time but steps.
    fn new(parameters: &DiscreteParameters, _: TickLength, _: u32) -> Self {
        Self { parameters: parameters.clone() }
    }

    fn multiplicity_max(&self) -> u32 {
        self.parameters.multiplicity_max
    }

    fn initial(&self) -> [f64; STATE] {
        [self.parameters.initial_v, self.parameters.initial_i]
    }

    #[inline]
    fn step(&self, state: &mut [f64; STATE], arrived: &[f64; RECEPTORS], drive: f64) -> u32 {
        let parameters = &self.parameters;
        let [before, found] = *state;
        let input = parameters.input_gain * clipped(arrived[0]) + parameters.bias;
        let current = self.current(found, input);
        let felt = match parameters.feeds {
            Feeds::SameStep => current,
            Feeds::NextStep => found,
        };
        let mut v =
            self.updated(before, parameters.gain * felt + clipped(parameters.drive + drive));
        if parameters.reset_at == ResetAt::NextStep {
            v = self.reset(v, self.spikes(before));
        }
        let spikes = self.spikes(v);
        if parameters.reset_at == ResetAt::SameStep {
            v = self.reset(v, spikes);
        }
        *state = [v.max(parameters.minimum).min(LARGEST), clipped(current)];
        spikes
    }
}

impl Discrete {
    #[inline]
    fn current(&self, current: f64, input: f64) -> f64 {
        let DiscreteParameters { alpha, synaptic_rate, .. } = self.parameters;
        match self.parameters.synapse {
            Synapse::None => input,
            Synapse::Decay => alpha * current + input,
            Synapse::DecayWithInput => alpha * (current + input),
            Synapse::Euler => (current - synaptic_rate * current) + input,
        }
    }

    #[inline]
    fn updated(&self, v: f64, input: f64) -> f64 {
        let DiscreteParameters { beta, tau_steps, rate, rest, .. } = self.parameters;
        match self.parameters.membrane {
            Membrane::Decay => beta * v + input,
            Membrane::Leak => (v - (v - rest) / tau_steps) + input,
            Membrane::Relax => v + (input - (v - rest)) / tau_steps,
            Membrane::Euler => v + rate * ((rest - v) + input),
        }
    }

    /// How many spikes a potential makes.
    #[inline]
    fn spikes(&self, v: f64) -> u32 {
        let DiscreteParameters { threshold, strict, fires, multiplicity_max, .. } = self.parameters;
        let over = if strict { v > threshold } else { v >= threshold };
        if !(fires && over) {
            return 0;
        }
        if multiplicity_max == 1 {
            return 1;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
        let held = (v / threshold) as u32;
        held.min(multiplicity_max)
    }

    #[inline]
    fn reset(&self, v: f64, spikes: u32) -> f64 {
        let DiscreteParameters { threshold, reset_value, .. } = self.parameters;
        if spikes == 0 {
            return v;
        }
        match self.parameters.reset {
            Reset::None => v,
            Reset::ToValue => reset_value,
            Reset::SubtractThreshold => v - f64::from(spikes) * threshold,
            Reset::SubtractValue => v - f64::from(spikes) * reset_value,
        }
    }
}

#[cfg(test)]
#[path = "discrete_tests.rs"]
mod tests;
