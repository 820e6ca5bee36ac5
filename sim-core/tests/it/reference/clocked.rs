//! Models that are defined in steps: each step as its documentation has it.

use sim_core::network::{
    neurons::{Feeds, Input, Membrane, ResetAt, Scheme, Synapse, discrete},
    *,
};

use super::{CLOSE, TooClose};

/// One neuron with its state and what has arrived since its last step.
pub(super) struct Clocked {
    pub(super) neuron: Neuron,
    period_ms: f64,
    state: Vec<f64>,
    held: Vec<f64>,
}

impl Clocked {
    pub(super) fn new(neuron: Neuron, period_ms: f64) -> Self {
        let state = match &neuron {
            Neuron::Izhikevich(p) => vec![p.initial_v, p.initial_u],
            Neuron::Adex(p) => vec![p.initial_mv, p.initial_w_pa, 0.0, 0.0, 0.0],
            Neuron::Conductance(p) => vec![p.initial_mv, 0.0, 0.0, 0.0],
            Neuron::Discrete(p) => vec![p.initial_v, p.initial_i],
            _ => panic!("no clock"),
        };
        let held = vec![0.0; neuron.receptors().len().max(1)];
        Self { neuron, period_ms, state, held }
    }

    /// One tick, at which it steps or not.
    pub(super) fn tick(&mut self, steps: bool, sums: &[f64]) -> Result<u32, TooClose> {
        self.held.iter_mut().zip(sums).for_each(|(held, sum)| *held += sum);
        if !steps {
            return Ok(0);
        }
        let arrived = std::mem::take(&mut self.held);
        self.held = vec![0.0; arrived.len()];
        let (state, period_ms) = (&mut self.state, self.period_ms);
        match &self.neuron {
            Neuron::Izhikevich(p) => Ok(izhikevich(p, state, arrived[0], period_ms)),
            Neuron::Adex(p) => adex(p, state, &arrived, period_ms),
            Neuron::Conductance(p) => conductance(p, state, &arrived, period_ms),
            Neuron::Discrete(p) => Ok(discrete(p, state, arrived[0])),
            _ => unreachable!("no clock"),
        }
    }
}

fn izhikevich(p: &IzhikevichParameters, state: &mut [f64], arrived: f64, period_ms: f64) -> u32 {
    let h = period_ms / f64::from(p.substeps);
    let mut fired = 0;
    for substep in 1..=p.substeps {
        let (mut v, mut u) = (state[0], state[1]);
        let current = p.drive + if p.input == Input::Current { arrived } else { 0.0 };
        let slope = |v: f64, u: f64| 0.04 * v * v + 5.0 * v + 140.0 - u + current;
        match p.scheme {
            Scheme::Published => {
                v += 0.5 * h * slope(v, u);
                v += 0.5 * h * slope(v, u);
                u += h * p.a * (p.b * v - u);
            }
            Scheme::Euler => {
                (v, u) = (v + h * slope(v, u), u + h * p.a * (p.b * v - u));
            }
        }
        if p.input == Input::Potential && substep == p.substeps {
            v += arrived;
        }
        if v >= p.peak {
            (v, u) = (p.c, u + p.d);
            fired += 1;
        }
        (state[0], state[1]) = (v, u);
    }
    fired
}

/// Runge and Kutta's scheme of fourth order; conductances decay exactly.
fn adex(
    p: &AdexParameters,
    state: &mut [f64],
    arrived: &[f64],
    period_ms: f64,
) -> Result<u32, TooClose> {
    let h = period_ms / f64::from(p.substeps);
    let mut fired = 0;
    for _ in 0..p.substeps {
        let (v, w, g_e, g_i) = (state[0], state[1], state[2], state[3]);
        let left =
            |ms: f64| [libm::exp(-ms / p.tau_excitatory_ms), libm::exp(-ms / p.tau_inhibitory_ms)];
        let slopes = |[v, w]: [f64; 2], ms: f64| {
            let v = v.min(p.peak_mv);
            let [e, i] = left(ms);
            let synaptic = g_e * e * (v - p.excitatory_mv) + g_i * i * (v - p.inhibitory_mv);
            let spike = p.leak_ns * p.slope_mv * libm::exp((v - p.threshold_mv) / p.slope_mv);
            let leak = p.leak_ns * (v - p.rest_mv);
            [
                (spike - leak - w - synaptic + p.drive_pa) / p.capacitance_pf,
                (p.a_ns * (v - p.rest_mv) - w) / p.tau_w_ms,
            ]
        };
        if state[4] > 0.0 {
            // v stands still, so w relaxes to what v asks for.
            let asked = p.a_ns * (v - p.rest_mv);
            state[1] = asked + (w - asked) * libm::exp(-h / p.tau_w_ms);
            state[4] -= 1.0;
        } else {
            let from = |k: [f64; 2], ms: f64| [v + ms * k[0], w + ms * k[1]];
            let k1 = slopes([v, w], 0.0);
            let k2 = slopes(from(k1, h / 2.0), h / 2.0);
            let k3 = slopes(from(k2, h / 2.0), h / 2.0);
            let k4 = slopes(from(k3, h), h);
            for at in 0..2 {
                state[at] += h / 6.0 * (k1[at] + 2.0 * k2[at] + 2.0 * k3[at] + k4[at]);
            }
            if (state[0] - p.peak_mv).abs() < CLOSE {
                return Err(TooClose);
            }
            if state[0] >= p.peak_mv {
                fired += 1;
                state[0] = p.reset_mv;
                state[1] += p.b_pa;
                state[4] = (p.refractory_ms / h).round();
            }
        }
        let [e, i] = left(h);
        (state[2], state[3]) = (g_e * e, g_i * i);
    }
    state[2] = (state[2] + arrived[0]).max(0.0);
    state[3] = (state[3] + arrived[1]).max(0.0);
    Ok(fired)
}

/// The exponential midpoint scheme, with the crossing where the relaxation meets the threshold.
fn conductance(
    p: &ConductanceParameters,
    state: &mut [f64],
    arrived: &[f64],
    period_ms: f64,
) -> Result<u32, TooClose> {
    let h = period_ms / f64::from(p.substeps);
    let mut fired = 0;
    for _ in 0..p.substeps {
        let (v, g_e, g_i, rests) = (state[0], state[1], state[2], state[3]);
        let left =
            |ms: f64| [libm::exp(-ms / p.tau_excitatory_ms), libm::exp(-ms / p.tau_inhibitory_ms)];
        let [e, i] = left(h / 2.0);
        let g = p.leak_ns + g_e * e + g_i * i;
        let settled = (p.leak_ns * p.rest_mv
            + g_e * e * p.excitatory_mv
            + g_i * i * p.inhibitory_mv
            + p.drive_pa)
            / g;
        let relaxed =
            |v: f64, ms: f64| settled + (v - settled) * libm::exp(-ms * g / p.capacitance_pf);
        let [e, i] = left(h);
        (state[1], state[2]) = (g_e * e, g_i * i);
        if rests > 0.0 && (rests - h).abs() < CLOSE {
            return Err(TooClose);
        }
        if rests >= h {
            state[3] = rests - h;
            continue;
        }
        let moves = h - rests;
        let moved = relaxed(v, moves);
        if (moved - p.threshold_mv).abs() < CLOSE {
            return Err(TooClose);
        }
        if v < p.threshold_mv && moved < p.threshold_mv {
            (state[0], state[3]) = (moved, 0.0);
            continue;
        }
        fired += 1;
        let crossing = if v >= p.threshold_mv {
            0.0
        } else {
            p.capacitance_pf / g * libm::log((settled - v) / (settled - p.threshold_mv))
        };
        let after = moves - crossing;
        (state[0], state[3]) = if after > p.refractory_ms {
            (relaxed(p.reset_mv, after - p.refractory_ms), 0.0)
        } else {
            (p.reset_mv, p.refractory_ms - after)
        };
    }
    state[1] = (state[1] + arrived[0]).max(0.0);
    state[2] = (state[2] + arrived[1]).max(0.0);
    Ok(fired)
}

/// Line by line as `network::neurons::discrete` has it.
fn discrete(p: &DiscreteParameters, state: &mut [f64], arrived: f64) -> u32 {
    let (v, i) = (state[0], state[1]);
    let x = p.input_gain * arrived + p.bias;
    let i_new = match p.synapse {
        Synapse::None => x,
        Synapse::Decay => p.alpha * i + x,
        Synapse::DecayWithInput => p.alpha * (i + x),
        Synapse::Euler => (i - p.synaptic_rate * i) + x,
    };
    let fed = if p.feeds == Feeds::SameStep { i_new } else { i };
    let y = p.gain * fed + p.drive;
    let mut h = match p.membrane {
        Membrane::Decay => p.beta * v + y,
        Membrane::Leak => (v - (v - p.rest) / p.tau_steps) + y,
        Membrane::Relax => v + (y - (v - p.rest)) / p.tau_steps,
        Membrane::Euler => v + p.rate * ((p.rest - v) + y),
    };
    let spikes = |h: f64| {
        if !p.fires || h < p.threshold || (p.strict && h == p.threshold) {
            return 0.0;
        }
        if p.multiplicity_max == 1 {
            1.0
        } else {
            (h / p.threshold).floor().min(p.multiplicity_max.into())
        }
    };
    let reset = |h: f64, spikes: f64| match p.reset {
        _ if spikes == 0.0 => h,
        discrete::Reset::None => h,
        discrete::Reset::ToValue => p.reset_value,
        discrete::Reset::SubtractThreshold => h - spikes * p.threshold,
        discrete::Reset::SubtractValue => h - spikes * p.reset_value,
    };
    if p.reset_at == ResetAt::NextStep {
        h = reset(h, spikes(v));
    }
    let fired = spikes(h);
    if p.reset_at == ResetAt::SameStep {
        h = reset(h, fired);
    }
    (state[0], state[1]) = (h.max(p.minimum), i_new);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    let fired = fired as u32;
    fired
}
