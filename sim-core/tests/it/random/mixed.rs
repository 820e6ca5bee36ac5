//! Networks of a few small populations of any model, connected at random: zero-delay chains
//! forwards, recurrent loops with delays, sources, noise, and sometimes no input port at all.

use std::sync::Arc;

use sim_core::{InputEvent, Plan, TickLength, network::*};

use super::{
    Case,
    changes::changes,
    events, kernel,
    neurons::{self, Kind, one_of},
    target_shape,
};
use crate::support::{Numbers, output};

/// What the reference simulator can follow, or all there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Weights are exact in few bits, and no distribution is involved but the uniform one.
    Reference,
    Everything,
}

/// Microseconds a tick.
const TICK_US: u64 = 1_000;

/// Draws a network at ticks of 1 ms.
pub(crate) fn case(seed: u64, scope: Scope, numbers: &mut Numbers) -> Case {
    let ticks = 60 + u64::from(numbers.below(140));
    let mut network = Network {
        name: format!("mixed {seed}"),
        tick: TickLength::MILLISECOND,
        seed: numbers.next(),
        ..Network::default()
    };
    let mut inputs = Vec::new();
    let mut kinds = Vec::new();
    if numbers.below(4) > 0 {
        add_touch(&mut network, &mut inputs, ticks, numbers);
    }
    if numbers.below(3) == 0 {
        add_camera(&mut network, &mut inputs, &mut kinds, ticks, numbers);
    }
    let count = 2 + numbers.below(4);
    for _ in 0..count {
        let kind = one_of(numbers, &Kind::ALL);
        let name = format!("p{}", network.populations.len());
        network.populations.push(neurons::population(&name, kind, scope, ticks, numbers));
        kinds.push(kind);
    }
    connect(&mut network, &kinds, scope, numbers);
    let names: Vec<String> = network.populations.iter().map(|each| each.name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    network.outputs = vec![output("all", &names)];
    if kinds.contains(&Kind::Accumulator) || numbers.below(2) == 0 {
        let rule = ReadoutRule::Vote {
            window_ticks: 1 + u64::from(numbers.below(20)),
            every_ticks: 1 + u64::from(numbers.below(4)),
            labels: Vec::new(),
        };
        network.readouts = vec![Readout { name: "verdict".into(), source: names[0].into(), rule }];
        network.outputs.push(output("verdict", &["verdict"]));
    }
    sweep_some(&mut network, numbers);
    let changes = changes(&network, ticks, numbers);
    Case { network, events: inputs, ticks, changes, tick_us: TICK_US }
}

/// Has some populations swept at every tick, where that is possible.
fn sweep_some(network: &mut Network, numbers: &mut Numbers) {
    for id in 0..network.populations.len() {
        network.populations[id].update = one_of(numbers, &[Update::EveryTick, Update::OnArrival]);
        if Plan::new(network, &[]).is_err() {
            network.populations[id].update = Update::Auto;
        }
    }
}

fn add_touch(
    network: &mut Network,
    inputs: &mut Vec<Vec<InputEvent>>,
    ticks: u64,
    numbers: &mut Numbers,
) {
    let channels = 1 + numbers.below(9);
    network.inputs.push(InputPort::new("touch", InputShape::Channels(vec![channels])));
    inputs.push(in_ticks(events(numbers, channels, 600, ticks), numbers));
}

/// A camera and a grid of accumulators behind a convolution.
fn add_camera(
    network: &mut Network,
    inputs: &mut Vec<Vec<InputEvent>>,
    kinds: &mut Vec<Kind>,
    ticks: u64,
    numbers: &mut Numbers,
) {
    let camera = SensorSize { width: 3 + numbers.below(4), height: 3 + numbers.below(4) };
    network.inputs.push(InputPort::new("camera", InputShape::Sensor(Some(camera))));
    let addresses = 2 * camera.width * camera.height;
    inputs.push(in_ticks(events(numbers, addresses, 300, ticks), numbers));
    let kernel = kernel(numbers, camera);
    let grid = target_shape(&kernel, camera);
    let seen = Neuron::Accumulator(AccumulatorParameters {
        threshold: f64::from(1 + numbers.below(12)) / 16.0,
        rectify: Rectify::None,
        strict: false,
    });
    let mut seen = Population::new("seen", &grid, seen);
    if numbers.below(2) == 0 {
        seen.winner_take_all = WinnerTakeAll::PerLocation;
    }
    network.populations.push(seen);
    kinds.push(Kind::Accumulator);
    let connectivity = Connectivity::Convolution(Arc::new(kernel));
    network.projections.push(Projection::new("look", "camera", "seen", connectivity));
}

/// Spreads events over the time of their ticks.
fn in_ticks(mut events: Vec<InputEvent>, numbers: &mut Numbers) -> Vec<InputEvent> {
    for event in &mut events {
        event.time_us = event.time_us * TICK_US + u64::from(numbers.below(1_000));
    }
    events
}

/// A part of the network that spikes come from.
struct From {
    name: String,
    size: u32,
    /// Its position among the populations, if it is one.
    position: Option<usize>,
}

fn connect(network: &mut Network, kinds: &[Kind], scope: Scope, numbers: &mut Numbers) {
    let size = |population: &Population| super::size(&population.shape);
    let mut sources: Vec<From> = Vec::new();
    for input in network.inputs.iter().filter(|input| input.name == "touch") {
        let InputShape::Channels(shape) = &input.shape else { continue };
        let size = shape.iter().product();
        sources.push(From { name: input.name.clone(), size, position: None });
    }
    for (position, population) in network.populations.iter().enumerate() {
        let (name, size) = (population.name.clone(), size(population));
        sources.push(From { name, size, position: Some(position) });
    }
    for (position, &kind) in kinds.iter().enumerate().filter(|(_, kind)| !kind.is_source()) {
        for source in &sources {
            let forwards = source.position.is_none_or(|from| from < position);
            let chance = if source.position.is_none() { 2 } else { 3 };
            if numbers.below(chance) > 0 && (source.position.is_some() || numbers.below(4) == 0) {
                continue;
            }
            let target = &network.populations[position];
            let least = u32::from(!forwards);
            let ends = [source.size, size(target)];
            let name = format!("{} to {}", source.name, target.name);
            let connectivity = connectivity(kind, ends, least, scope, numbers);
            let mut projection = Projection::new(&name, &source.name, &target.name, connectivity);
            projection.short_term = (numbers.below(3) == 0).then(|| short_term(numbers));
            projection.axonal_delay_ticks = numbers.below(4) / 3 * numbers.below(5);
            projection.dendritic_delay_ticks = numbers.below(4) / 3 * numbers.below(5);
            if let [_, ..] = target.neuron.receptors().as_slice()
                && numbers.below(4) > 0
            {
                projection.receptor = one_of(numbers, &target.neuron.receptors()).into();
            }
            network.projections.push(projection);
        }
    }
}

fn short_term(numbers: &mut Numbers) -> ShortTerm {
    let shares = [0.05 + 0.9 * numbers.unit(), 0.5, 1.0];
    ShortTerm {
        utilisation: one_of(numbers, &shares),
        recovery_ms: 1.0 + numbers.unit() * 90.0,
        facilitation_ms: f64::from(numbers.below(3)) * numbers.unit() * 60.0,
    }
}

fn connectivity(
    kind: Kind,
    [from, to]: [u32; 2],
    least: u32,
    scope: Scope,
    numbers: &mut Numbers,
) -> Connectivity {
    let delay_ticks = least + [0, numbers.below(3), numbers.below(30)][numbers.below(3) as usize];
    match numbers.below(4) {
        0 if from == to => {
            Connectivity::OneToOne { weight: kind.weight(numbers).abs(), delay_ticks }
        }
        0 | 1 => {
            let mut synapses = ExplicitSynapses::default();
            let most = [1, 20, 300][numbers.below(3) as usize];
            for _ in 0..numbers.below(3 * to + 2) {
                synapses.sources.push(numbers.below(from));
                synapses.targets.push(numbers.below(to));
                synapses.weights.push(kind.weight(numbers));
                synapses.delays_ticks.push(least + numbers.below(most));
            }
            Connectivity::Explicit(Arc::new(synapses))
        }
        2 => {
            let weights = match weights(kind, scope, numbers) {
                Values::Same(_) if numbers.below(2) == 0 => {
                    Values::Each((0..from * to).map(|_| kind.weight(numbers)).collect())
                }
                weights => weights,
            };
            Connectivity::Dense { weights, delay_ticks }
        }
        _ => Connectivity::Random(drawn(kind, [from, to], least, scope, numbers)),
    }
}

fn drawn(
    kind: Kind,
    [from, to]: [u32; 2],
    least: u32,
    scope: Scope,
    numbers: &mut Numbers,
) -> RandomConnectivity {
    let rule = match numbers.below(4) {
        0 => RandomRule::FixedInDegree(1 + numbers.below(4)),
        1 => RandomRule::FixedOutDegree(1 + numbers.below(4)),
        2 => RandomRule::FixedTotal((1 + numbers.below(3 * to)).into()),
        _ => RandomRule::Pairwise { probability: numbers.unit() },
    };
    let delays_ticks = match numbers.below(if scope == Scope::Everything { 3 } else { 2 }) {
        0 => Delays::Same(least + numbers.below(20)),
        1 => Delays::Uniform { min: least, max: least + numbers.below(40) },
        _ => {
            let values = Values::Normal { mean: 3.0, sd: 4.0, min: Some(0.5), max: None };
            Delays::Rounded { values, min: least }
        }
    };
    RandomConnectivity {
        rule,
        weights: weights(kind, scope, numbers),
        delays_ticks,
        // One neuron alone has nobody else.
        allow_self: from.min(to) == 1 || numbers.below(2) == 0,
        seed: (numbers.below(4) == 0).then(|| numbers.next()),
    }
}

fn weights(kind: Kind, scope: Scope, numbers: &mut Numbers) -> Values {
    let weight = kind.weight(numbers).abs();
    match numbers.below(if scope == Scope::Everything { 4 } else { 1 }) {
        0 => Values::Same(weight),
        1 => Values::Uniform { min: -0.25 * weight, max: weight },
        2 => Values::normal(weight, 0.3 * weight),
        _ => Values::LogNormal { mu: libm::log(0.1 + weight), sigma: 0.5, min: None, max: None },
    }
}
