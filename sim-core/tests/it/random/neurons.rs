//! Neurons of every model, for ticks of 1 ms, so that most of them fire now and then.

use sim_core::network::{
    neurons::{Feeds, Input, Membrane, ResetAt, Scheme, Synapse, discrete},
    *,
};

use super::mixed::Scope;
use crate::support::Numbers;

/// What a population may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Delta,
    Currents,
    Accumulator,
    Izhikevich,
    Adex,
    Conductance,
    Discrete,
    Poisson,
    Regular,
}

impl Kind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Delta,
        Self::Currents,
        Self::Accumulator,
        Self::Izhikevich,
        Self::Adex,
        Self::Conductance,
        Self::Discrete,
        Self::Poisson,
        Self::Regular,
    ];

    pub(crate) fn is_source(self) -> bool {
        matches!(self, Self::Poisson | Self::Regular)
    }

    fn is_clocked(self) -> bool {
        matches!(self, Self::Izhikevich | Self::Adex | Self::Conductance | Self::Discrete)
    }

    fn is_linear(self) -> bool {
        matches!(self, Self::Delta | Self::Currents)
    }

    /// The largest weight that suits the model.
    fn weight_max(self) -> f64 {
        match self {
            Self::Izhikevich => 16.0,
            Self::Adex | Self::Conductance => 32.0,
            _ => 1.0,
        }
    }

    /// A weight of 10 bits: sums of them are exact in any order.
    pub(crate) fn weight(self, numbers: &mut Numbers) -> f64 {
        (f64::from(numbers.below(1_025)) - 256.0) / 1_024.0 * self.weight_max()
    }
}

/// A value between two, of all bits.
fn between(numbers: &mut Numbers, least: f64, most: f64) -> f64 {
    least + numbers.unit() * (most - least)
}

/// One of several.
pub(crate) fn one_of<T: Copy>(numbers: &mut Numbers, all: &[T]) -> T {
    all[numbers.below(u32::try_from(all.len()).expect("few")) as usize]
}

fn sometimes(numbers: &mut Numbers, least: f64, most: f64) -> f64 {
    f64::from(numbers.below(2)) * between(numbers, least, most)
}

/// A population of one kind, with all that a population can have beside its neurons.
pub(crate) fn population(
    name: &str,
    kind: Kind,
    scope: Scope,
    ticks: u64,
    numbers: &mut Numbers,
) -> Population {
    let shape = match numbers.below(3) {
        0 => vec![1 + numbers.below(3), 1 + numbers.below(2), 1 + numbers.below(3)],
        _ => vec![1 + numbers.below(12)],
    };
    let clock_ticks = if kind.is_clocked() { 1 + numbers.below(5) } else { 1 };
    let neuron = neuron(kind, clock_ticks, numbers);
    let mut population = Population::new(name, &shape, neuron);
    population.clock_ticks = clock_ticks;
    if kind == Kind::Accumulator && shape.len() == 3 && numbers.below(2) == 0 {
        population.winner_take_all = WinnerTakeAll::PerLocation;
    }
    if kind.is_linear() && numbers.below(3) == 0 {
        population.drive_steps = drive_steps(ticks, numbers);
    }
    for _ in 0..if kind.is_source() { 0 } else { numbers.below(3) * numbers.below(2) } {
        let receptor = match population.neuron.receptors().as_slice() {
            [] => String::new(),
            names => one_of(numbers, names).into(),
        };
        let rate_hz = between(numbers, 1.0, 300.0);
        population.noise.push(Noise { rate_hz, weight: kind.weight(numbers).abs(), receptor });
    }
    if kind != Kind::Accumulator && numbers.below(3) == 0 {
        let size = shape.iter().product();
        population.vary = vary(&population.neuron, size, scope, numbers);
    }
    population
}

fn neuron(kind: Kind, clock_ticks: u32, numbers: &mut Numbers) -> Neuron {
    match kind {
        Kind::Delta => Neuron::Lif(lif(Vec::new(), numbers)),
        Kind::Currents => {
            let mut lif = lif(receptors(numbers), numbers);
            // Where time constants meet, the usual closed form has no value.
            if lif.tau_ms.is_finite() && numbers.below(4) == 0 {
                let tau_ms = lif.tau_ms;
                let field = lif.field_mut("receptor.r.0.tau");
                field.into_iter().for_each(|field| *field = tau_ms);
            }
            Neuron::Lif(lif)
        }
        Kind::Accumulator => Neuron::Accumulator(AccumulatorParameters {
            threshold: f64::from(1 + numbers.below(16)) / 16.0,
            rectify: one_of(numbers, &[Rectify::None, Rectify::Absolute]),
            strict: numbers.below(3) == 0,
        }),
        Kind::Izhikevich => Neuron::Izhikevich(izhikevich(clock_ticks, numbers)),
        Kind::Adex => Neuron::Adex(adex(clock_ticks, numbers)),
        Kind::Conductance => Neuron::Conductance(conductance(clock_ticks, numbers)),
        Kind::Discrete => Neuron::Discrete(discrete_parameters(numbers)),
        Kind::Poisson => {
            Neuron::Poisson(PoissonParameters { rate_hz: between(numbers, 0.0, 120.0) })
        }
        Kind::Regular => Neuron::Regular(RegularParameters {
            interval_ms: f64::from(1 + numbers.below(400)) / 8.0,
            first_ms: f64::from(numbers.below(200)) / 8.0,
        }),
    }
}

fn lif(receptors: Vec<Receptor>, numbers: &mut Numbers) -> LifParameters {
    let rest_mv = between(numbers, -70.0, 1.0);
    let leaks = numbers.below(6) > 0;
    let drive_mv =
        if leaks { sometimes(numbers, -1.0, 2.5) } else { sometimes(numbers, -0.1, 0.2) };
    let subtracts = numbers.below(3) == 0;
    let adapts = numbers.below(3) == 0;
    LifParameters {
        tau_ms: if leaks { between(numbers, 5.0, 30.0) } else { f64::INFINITY },
        rest_mv,
        threshold_mv: rest_mv + between(numbers, 0.3, 1.5),
        reset_mv: rest_mv - between(numbers, 0.0, 1.0),
        drive_mv,
        refractory_ms: if numbers.below(3) == 0 { 0.0 } else { between(numbers, 0.3, 4.0) },
        initial_mv: rest_mv + between(numbers, -0.5, 0.15),
        strict: numbers.below(3) == 0,
        reset: if subtracts {
            Reset::Subtract { amount_mv: between(numbers, 0.5, 2.0) }
        } else {
            Reset::ToValue
        },
        receptors,
        adaptation: adapts.then(|| Adaptation {
            tau_ms: between(numbers, 5.0, 50.0),
            step_mv: between(numbers, 0.0, 1.0),
        }),
    }
}

fn receptors(numbers: &mut Numbers) -> Vec<Receptor> {
    let receptor = |name: &str, numbers: &mut Numbers| {
        // The time constants that two currents and a membrane share lie apart, but for chance.
        let tau_ms = between(numbers, 4.0, 15.0);
        let kind = match numbers.below(3) {
            0 => ReceptorKind::Delta,
            1 => ReceptorKind::Exponential { tau_ms },
            _ => ReceptorKind::Alpha { tau_ms },
        };
        let gain = if kind == ReceptorKind::Delta { 1.0 } else { between(numbers, 1.0, 4.0) };
        Receptor { gain, ..Receptor::new(name, kind) }
    };
    (0..1 + numbers.below(3)).map(|at| receptor(&format!("r.{at}"), numbers)).collect()
}

fn drive_steps(ticks: u64, numbers: &mut Numbers) -> Vec<DriveStep> {
    let mut at_tick = 0;
    let mut steps = Vec::new();
    for _ in 0..1 + numbers.below(3) {
        at_tick += 1 + numbers.next() % (ticks / 2);
        steps.push(DriveStep { at_tick, drive_mv: between(numbers, -0.5, 1.7) });
    }
    steps
}

fn izhikevich(clock_ticks: u32, numbers: &mut Numbers) -> IzhikevichParameters {
    IzhikevichParameters {
        a: between(numbers, 0.02, 0.1),
        d: between(numbers, 2.0, 8.0),
        c: between(numbers, -65.0, -50.0),
        drive: sometimes(numbers, 2.0, 15.0),
        scheme: one_of(numbers, &[Scheme::Published, Scheme::Euler]),
        input: one_of(numbers, &[Input::Current, Input::Potential]),
        substeps: clock_ticks * (1 + numbers.below(3)),
        ..IzhikevichParameters::default()
    }
}

fn adex(clock_ticks: u32, numbers: &mut Numbers) -> AdexParameters {
    AdexParameters {
        tau_excitatory_ms: between(numbers, 0.5, 5.0),
        b_pa: between(numbers, 10.0, 90.0),
        drive_pa: sometimes(numbers, 400.0, 1_600.0),
        refractory_ms: sometimes(numbers, 0.0, 4.0),
        substeps: clock_ticks * (2 + numbers.below(4)),
        ..AdexParameters::default()
    }
}

fn conductance(clock_ticks: u32, numbers: &mut Numbers) -> ConductanceParameters {
    ConductanceParameters {
        tau_excitatory_ms: between(numbers, 1.0, 5.0),
        drive_pa: sometimes(numbers, 100.0, 500.0),
        refractory_ms: between(numbers, 0.0, 4.0),
        substeps: clock_ticks * (1 + numbers.below(4)),
        ..ConductanceParameters::default()
    }
}

fn discrete_parameters(numbers: &mut Numbers) -> DiscreteParameters {
    let membrane =
        one_of(numbers, &[Membrane::Decay, Membrane::Leak, Membrane::Relax, Membrane::Euler]);
    let multiplicity_max = [1, 1, 3][numbers.below(3) as usize];
    let synapses = [Synapse::None, Synapse::Decay, Synapse::DecayWithInput, Synapse::Euler];
    DiscreteParameters {
        alpha: numbers.unit(),
        synaptic_rate: numbers.unit(),
        input_gain: between(numbers, 0.5, 2.0),
        bias: sometimes(numbers, -0.1, 0.3),
        gain: between(numbers, 0.5, 1.5),
        drive: sometimes(numbers, -0.1, 0.3),
        beta: numbers.unit(),
        tau_steps: between(numbers, 1.0, 4.0),
        rate: between(numbers, 0.3, 1.0),
        rest: if membrane == Membrane::Decay { 0.0 } else { between(numbers, -0.2, 0.2) },
        threshold: between(numbers, 0.4, 1.0),
        reset_value: between(numbers, 0.1, 0.3),
        minimum: between(numbers, -2.0, -0.5),
        initial_v: between(numbers, -0.3, 0.3),
        initial_i: sometimes(numbers, -0.3, 0.3),
        synapse: one_of(numbers, &synapses),
        feeds: one_of(numbers, &[Feeds::SameStep, Feeds::NextStep]),
        membrane,
        reset: one_of(
            numbers,
            &[
                discrete::Reset::None,
                discrete::Reset::ToValue,
                discrete::Reset::SubtractThreshold,
                discrete::Reset::SubtractValue,
            ],
        ),
        reset_at: one_of(numbers, &[ResetAt::SameStep, ResetAt::NextStep]),
        fires: numbers.below(12) > 0,
        strict: multiplicity_max == 1 && numbers.below(2) == 0,
        multiplicity_max,
    }
}

/// One or two parameters that differ from neuron to neuron, by a tenth at most.
fn vary(neuron: &Neuron, size: u32, scope: Scope, numbers: &mut Numbers) -> Vec<Vary> {
    let able: &[&str] = match neuron {
        Neuron::Lif(_) => &["tau", "drive", "refractory", "initial", "reset"],
        Neuron::Izhikevich(_) => &["a", "d", "drive", "initial_v"],
        Neuron::Adex(_) => &["b_pa", "drive_pa", "initial_mv", "refractory_ms"],
        Neuron::Conductance(_) => &["drive_pa", "initial_mv", "tau_excitatory_ms"],
        Neuron::Discrete(_) => &["gain", "initial_v", "input_gain"],
        Neuron::Poisson(_) => &["rate"],
        Neuron::Regular(_) => &["first"],
        Neuron::Accumulator(_) => &[],
    };
    let mut varied: Vec<Vary> = Vec::new();
    for _ in 0..1 + numbers.below(2) {
        let parameter = one_of(numbers, able);
        let value = *neuron.clone().field_mut(parameter).expect("it is listed");
        if value.is_finite() && varied.iter().all(|other| other.parameter != parameter) {
            let is_potential = parameter.starts_with("initial") || parameter == "reset";
            let by = if is_potential { 0.1 } else { 0.1 * value.abs() };
            let values = spread(value, by, size, scope, numbers);
            varied.push(Vary { parameter: parameter.into(), values });
        }
    }
    varied
}

fn spread(value: f64, by: f64, size: u32, scope: Scope, numbers: &mut Numbers) -> Values {
    let (min, max) = (value, value + by);
    match numbers.below(if scope == Scope::Everything { 4 } else { 2 }) {
        0 => Values::Each((0..size).map(|_| between(numbers, min, max)).collect()),
        1 => Values::Uniform { min, max },
        2 => Values::Normal { mean: value, sd: by, min: Some(min), max: Some(max) },
        _ if value > 0.0 => {
            Values::LogNormal { mu: libm::log(value), sigma: 0.1, min: Some(min), max: Some(max) }
        }
        _ => Values::Same(value),
    }
}
