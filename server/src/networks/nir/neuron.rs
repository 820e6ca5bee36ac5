//! NIR's neurons as the core's, under a profile. Times in a file are seconds.

use spiked_proto::v1;

use super::{Profile, Refusal, graph::Node, linear::spread};

/// What exponential receptors take to fade that are meant as steps \[ms\]: 30 years.
const NEVER_MS: f64 = 1e12;
/// The receptor of exact neurons.
pub(super) const RECEPTOR: &str = "input";

/// Whether a type has state or a threshold.
pub(super) fn is(kind: &str) -> bool {
    matches!(kind, "I" | "IF" | "LI" | "LIF" | "CubaLI" | "CubaLIF" | "Threshold")
}

/// Whether it makes spikes.
pub(super) fn fires(kind: &str) -> bool {
    matches!(kind, "IF" | "LIF" | "CubaLIF" | "Threshold")
}

/// The shape of its parameters, if they are more than one number.
pub(super) fn shape(node: &Node) -> Option<Vec<u32>> {
    let names = ["tau", "tau_mem", "tau_syn", "r", "v_threshold", "threshold", "v_leak", "v_reset"];
    let shapes = names.iter().filter_map(|name| node.numbers(name));
    shapes.filter(|(_, numbers)| numbers.len() > 1).map(|(shape, _)| shape.to_vec()).next()
}

/// One value a unit.
type Each = Vec<f64>;

/// A neuron's equation, unit by unit.
struct Cell {
    /// None: no leak \[s\].
    tau: Option<Each>,
    r: Each,
    leak: Each,
    /// None: it never fires.
    threshold: Option<Each>,
    reset: Each,
    /// Time constant \[s\] and weight of a synaptic current.
    synapse: Option<(Each, Each)>,
    /// What arrives always.
    bias: Each,
}

/// A population's neuron, and the parameters that vary, by name.
pub(super) struct Made {
    pub(super) neuron: v1::population::Neuron,
    pub(super) vary: Vec<(&'static str, Each)>,
}

/// Makes a population's neuron. `bias` arrives in every step, or always.
pub(super) fn make(
    node: &Node,
    bias: Each,
    profile: Profile,
    step_s: f64,
) -> Result<Made, Refusal> {
    if node.kind == "Threshold" {
        return threshold(node, &bias, profile);
    }
    let cell = Cell::of(node, bias)?;
    if profile.is_discrete() {
        Ok(cell.discrete(profile, step_s))
    } else {
        cell.exact(node, profile)
    }
}

impl Cell {
    fn of(node: &Node, bias: Each) -> Result<Self, Refusal> {
        let size = bias.len();
        let get = |name: &str, default: Option<f64>| match (node.numbers(name), default) {
            (None, Some(default)) => Ok(vec![default; size]),
            _ => spread(node, name, node.need(name)?.1, size),
        };
        let cuba = node.kind.starts_with("Cuba");
        let leaks = node.kind.contains("LI");
        let time = |name| {
            let values = get(name, None)?;
            match values.iter().position(|&tau| !(tau > 0.0 && tau.is_finite())) {
                Some(at) => Err(node.refuse(format!("{name} of unit {at} is {} s", values[at]))),
                None => Ok(values),
            }
        };
        let cell = Self {
            tau: leaks.then(|| time(if cuba { "tau_mem" } else { "tau" })).transpose()?,
            r: get("r", None)?,
            leak: get("v_leak", if leaks { None } else { Some(0.0) })?,
            threshold: fires(&node.kind).then(|| get("v_threshold", None)).transpose()?,
            reset: get("v_reset", Some(0.0))?,
            synapse: cuba
                .then(|| Ok::<_, Refusal>((time("tau_syn")?, get("w_in", Some(1.0))?)))
                .transpose()?,
            bias,
        };
        Ok(cell)
    }

    fn discrete(&self, profile: Profile, step_s: f64) -> Made {
        use Profile::{Euler, Norse, Sinabs};
        // What norse 1.1 writes is its time constant times its step.
        let share = |tau: &f64| if profile == Norse { step_s * step_s / tau } else { step_s / tau };
        let kept = |tau: &f64| match profile {
            Sinabs => libm::exp(-step_s / tau),
            _ => 1.0 - share(tau),
        };
        let mut neuron = v1::Discrete { silent: self.threshold.is_none(), ..Default::default() };
        let mut vary = Vec::new();
        match (&self.tau, profile) {
            (None, _) => {
                neuron.membrane = v1::DiscreteMembrane::Decay.into();
                let width = if profile == Sinabs { 1.0 } else { step_s };
                vary.push(("gain", self.r.iter().map(|r| r * width).collect()));
            }
            (Some(tau), Euler | Norse) => {
                neuron.membrane = v1::DiscreteMembrane::Euler.into();
                vary.push(("rate", tau.iter().map(share).collect()));
                vary.push(("rest", self.leak.clone()));
                vary.push(("gain", self.r.clone()));
            }
            (Some(tau), _) => {
                neuron.membrane = v1::DiscreteMembrane::Decay.into();
                let beta: Each = tau.iter().map(kept).collect();
                let takes = |values: &Each| {
                    let pairs = values.iter().zip(&beta).zip(tau);
                    let lost = |beta: f64, tau| {
                        if profile == Sinabs { 1.0 - beta } else { share(tau) }
                    };
                    pairs.map(|((value, beta), tau)| value * lost(*beta, tau)).collect()
                };
                vary.push(("gain", takes(&self.r)));
                vary.push(("drive", takes(&self.leak)));
                vary.push(("beta", beta));
            }
        }
        let mut bias = self.bias.clone();
        if let Some((tau, weight)) = &self.synapse {
            let (synapse, feeds) = match profile {
                Euler | Norse => (v1::DiscreteSynapse::Euler, v1::DiscreteFeeds::NextStep),
                Sinabs => (v1::DiscreteSynapse::DecayWithInput, v1::DiscreteFeeds::SameStep),
                _ => (v1::DiscreteSynapse::Decay, v1::DiscreteFeeds::SameStep),
            };
            (neuron.synapse, neuron.feeds) = (synapse.into(), feeds.into());
            let lost: Each = tau.iter().map(share).collect();
            let gain: Each = match profile {
                Sinabs => weight.clone(),
                _ => weight.iter().zip(&lost).map(|(weight, lost)| weight * lost).collect(),
            };
            bias.iter_mut().zip(&gain).for_each(|(bias, gain)| *bias *= gain);
            match synapse {
                v1::DiscreteSynapse::Euler => vary.push(("synaptic_rate", lost)),
                _ => vary.push(("alpha", tau.iter().map(kept).collect())),
            }
            vary.push(("input_gain", gain));
        }
        vary.push(("bias", bias));
        self.fire(profile, &mut neuron, &mut vary);
        Made { neuron: v1::population::Neuron::Discrete(neuron), vary }.settled()
    }

    /// Comparator and reset of a neuron that steps.
    fn fire(
        &self,
        profile: Profile,
        neuron: &mut v1::Discrete,
        vary: &mut Vec<(&'static str, Each)>,
    ) {
        use Profile::{Sinabs, SnntorchSubtract};
        if let Some(threshold) = &self.threshold {
            vary.push(("threshold", threshold.clone()));
            neuron.strict = profile != Sinabs;
            if matches!(profile, Sinabs | SnntorchSubtract) {
                neuron.reset = v1::DiscreteReset::SubtractThreshold.into();
            } else {
                neuron.reset = v1::DiscreteReset::ToValue.into();
                vary.push(("reset_value", self.reset.clone()));
            }
            if profile == SnntorchSubtract {
                neuron.reset_at = v1::DiscreteResetAt::NextStep.into();
            }
            if profile == Sinabs {
                neuron.multiplicity_max = 255;
            }
        }
    }

    /// The potential in "mV" is the file's own unit.
    fn exact(&self, node: &Node, profile: Profile) -> Result<Made, Refusal> {
        let pulse = profile == Profile::ExactPulse;
        if pulse && self.synapse.is_some() {
            let hint = "choose exact-dirac or a profile with steps";
            return Err(node.refuse(format!("a pulse into {} is not possible: {hint}", node.kind)));
        }
        // Without a leak, currents and drive are rates [1/ms].
        let per = if self.tau.is_some() { 1.0 } else { 1e3 };
        let size = self.bias.len();
        let unit = |values: &dyn Fn(usize) -> f64| (0..size).map(values).collect::<Each>();
        let (kind, gain) = match (&self.synapse, &self.tau) {
            (Some((tau, weight)), _) => {
                (exponential(tau[0] * 1e3), unit(&|at| self.r[at] * weight[at] / tau[at] / per))
            }
            (None, _) if pulse => (exponential(NEVER_MS), unit(&|at| self.r[at] / per)),
            (None, Some(tau)) => {
                (v1::receptor::Kind::Delta(v1::DeltaReceptor {}), unit(&|at| self.r[at] / tau[at]))
            }
            (None, None) => (v1::receptor::Kind::Delta(v1::DeltaReceptor {}), self.r.clone()),
        };
        let drive = unit(&|at| {
            let weight = self.synapse.as_ref().map_or(1.0, |(_, weight)| weight[at]);
            self.r[at] * weight * self.bias[at] / per
        });
        let receptor = v1::Receptor { name: RECEPTOR.into(), kind: Some(kind), gain: None };
        let neuron = v1::Lif {
            tau_ms: f64::INFINITY,
            threshold_mv: f64::INFINITY,
            strict: true,
            receptors: vec![receptor],
            ..Default::default()
        };
        let mut vary = vec![("drive", drive), ("receptor.input.gain", gain)];
        if let Some(tau) = &self.tau {
            vary.push(("tau", tau.iter().map(|tau| tau * 1e3).collect()));
            vary.push(("rest", self.leak.clone()));
            // A file's potential starts at 0, whatever the leak.
            vary.push(("initial", vec![0.0; size]));
        }
        if let Some((tau, _)) = &self.synapse {
            vary.push(("receptor.input.tau", tau.iter().map(|tau| tau * 1e3).collect()));
        }
        if let Some(threshold) = &self.threshold {
            vary.push(("threshold", threshold.clone()));
            vary.push(("reset", self.reset.clone()));
        }
        Ok(Made { neuron: v1::population::Neuron::Lif(neuron), vary }.settled())
    }
}

fn exponential(tau_ms: f64) -> v1::receptor::Kind {
    v1::receptor::Kind::Exponential(v1::ExponentialReceptor { tau_ms })
}

fn threshold(node: &Node, bias: &[f64], profile: Profile) -> Result<Made, Refusal> {
    let each = spread(node, "threshold", node.need("threshold")?.1, bias.len())?;
    if profile.is_discrete() {
        let neuron = v1::Discrete {
            beta: Some(0.0),
            strict: true,
            reset: v1::DiscreteReset::None.into(),
            ..Default::default()
        };
        let vary = vec![("threshold", each), ("bias", bias.to_vec())];
        return Ok(Made { neuron: v1::population::Neuron::Discrete(neuron), vary }.settled());
    }
    if profile == Profile::ExactPulse {
        return Err(node.refuse("a pulse into a Threshold is not possible: choose exact-dirac"));
    }
    let beyond = |(threshold, bias): (&f64, &f64)| threshold - bias;
    let all: Each = each.iter().zip(bias).map(beyond).collect();
    match all.first() {
        Some(&first) if first > 0.0 && all.iter().all(|&other| other == first) => {
            let neuron = v1::Accumulator { threshold: first, strict: true, ..Default::default() };
            let neuron = v1::population::Neuron::Accumulator(neuron);
            Ok(Made { neuron, vary: Vec::new() })
        }
        _ => Err(node.refuse("exact, its thresholds less its biases must be equal and above 0")),
    }
}

impl Made {
    /// Values that are the same for all go into the neuron itself; a first value goes there, too,
    /// where they vary, so that the neuron is sound by itself.
    fn settled(mut self) -> Self {
        for (name, values) in &self.vary {
            if let Some(&first) = values.first() {
                set(&mut self.neuron, name, first);
            }
        }
        self.vary.retain(|(_, values)| values.iter().any(|value| Some(value) != values.first()));
        self
    }
}

fn set(neuron: &mut v1::population::Neuron, name: &str, value: f64) {
    use v1::population::Neuron;
    match neuron {
        Neuron::Discrete(discrete) => {
            let field = match name {
                "gain" => &mut discrete.gain,
                "rate" => &mut discrete.rate,
                "rest" => &mut discrete.rest,
                "beta" => &mut discrete.beta,
                "drive" => &mut discrete.drive,
                "bias" => &mut discrete.bias,
                "alpha" => &mut discrete.alpha,
                "synaptic_rate" => &mut discrete.synaptic_rate,
                "input_gain" => &mut discrete.input_gain,
                "threshold" => &mut discrete.threshold,
                _ => &mut discrete.reset_value,
            };
            *field = Some(value);
        }
        Neuron::Lif(lif) => match name {
            "tau" => lif.tau_ms = value,
            "rest" => lif.rest_mv = value,
            "drive" => lif.drive_mv = value,
            "threshold" => lif.threshold_mv = value,
            "reset" => lif.reset_mv = value,
            "initial" => lif.initial_mv = Some(value),
            "receptor.input.gain" => {
                lif.receptors.iter_mut().for_each(|receptor| receptor.gain = Some(value));
            }
            // The time constant of a current is in its kind from the start.
            _ => {}
        },
        _ => {}
    }
}
