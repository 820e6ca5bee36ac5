//! The networks that simulators' scripts run, too.

use sim_core::{TickLength, network::*};

/// 0.1 ms.
pub(crate) fn tick() -> TickLength {
    TickLength::from_ns(100_000).expect("in range")
}

pub(crate) fn recurrent(
    name: &str,
    [source, target]: [&str; 2],
    receptor: &str,
    random: RandomConnectivity,
) -> Projection {
    let connectivity = Connectivity::Random(random);
    Projection { receptor: receptor.into(), ..Projection::new(name, source, target, connectivity) }
}

/// All spikes leave, so that they are counted as anywhere else.
fn all_out(populations: &[Population]) -> Vec<OutputPort> {
    let sources = populations.iter().map(|population| population.name.clone()).collect();
    vec![OutputPort { name: "spikes".into(), sources }]
}

/// Vogels and Abbott 2005: 4 000 neurons with exponential currents, 2 %, one tick of delay.
pub(crate) fn cuba() -> Network {
    let receptor = |name: &str, tau_ms| Receptor::new(name, ReceptorKind::Exponential { tau_ms });
    let lif = LifParameters {
        tau_ms: 20.0,
        rest_mv: -49.0,
        threshold_mv: -50.0,
        reset_mv: -60.0,
        refractory_ms: 5.0,
        initial_mv: -60.0,
        strict: true,
        receptors: vec![receptor("excite", 5.0), receptor("inhibit", 10.0)],
        ..LifParameters::default()
    };
    let population = |name: &str, size| {
        let uniform = Values::Uniform { min: -60.0, max: -50.000_001 };
        Population::new(name, &[size], Neuron::Lif(lif.clone())).varying("initial", uniform)
    };
    let populations = vec![population("e", 3_200), population("i", 800)];
    let synapses = |weight: f64| {
        RandomConnectivity::new(RandomRule::Pairwise { probability: 0.02 }, weight, 1)
    };
    let mut projections = Vec::new();
    for target in ["e", "i"] {
        projections.push(recurrent("e to", ["e", target], "excite", synapses(1.62)));
        projections.push(recurrent("i to", ["i", target], "inhibit", synapses(-9.0)));
    }
    let outputs = all_out(&populations);
    Network { tick: tick(), seed: 1, populations, projections, outputs, ..Network::default() }
}

/// 10 000 neurons, 800 + 200 inputs each, delays of 0.1 to 5 ms, noise to each.
pub(crate) fn brunel(coupled: bool) -> Network {
    let lif = LifParameters {
        tau_ms: 20.0,
        threshold_mv: 20.0,
        reset_mv: 10.0,
        refractory_ms: 2.0,
        strict: true,
        ..LifParameters::default()
    };
    let rate_hz = 2.0 * 20.0 / (0.1 * 20.0) * 1_000.0;
    let uniform = Values::Uniform { min: 0.0, max: 19.999_999 };
    let population = |name: &str, size| {
        Population::new(name, &[size], Neuron::Lif(lif.clone()))
            .varying("initial", uniform.clone())
            .with_noise(rate_hz, 0.1)
    };
    let populations = vec![population("e", 8_000), population("i", 2_000)];
    let delays = Delays::Uniform { min: 1, max: 50 };
    let synapses = |degree, weight: f64| {
        RandomConnectivity::new(RandomRule::FixedInDegree(degree), weight, delays.clone())
    };
    let mut projections = Vec::new();
    for target in ["e", "i"].into_iter().filter(|_| coupled) {
        projections.push(recurrent("e to", ["e", target], "", synapses(800, 0.1)));
        projections.push(recurrent("i to", ["i", target], "", synapses(200, -0.5)));
    }
    let outputs = all_out(&populations);
    Network { tick: tick(), seed: 1, populations, projections, outputs, ..Network::default() }
}

/// 10 000 channels at 5 Hz, 1 000 synapses each, delays of 1 to 50 ms, onto 10 000 neurons.
pub(crate) fn sparse() -> Network {
    let kind = ReceptorKind::Exponential { tau_ms: 5.0 };
    let lif = LifParameters {
        tau_ms: 20.0,
        rest_mv: -60.0,
        threshold_mv: -50.0,
        reset_mv: -60.0,
        refractory_ms: 2.0,
        initial_mv: -60.0,
        strict: true,
        receptors: vec![Receptor::new("excite", kind)],
        ..LifParameters::default()
    };
    let channels = Neuron::Poisson(PoissonParameters { rate_hz: 5.0 });
    let populations = vec![
        Population::new("channels", &[10_000], channels),
        Population::new("cells", &[10_000], Neuron::Lif(lif)),
    ];
    let rule = RandomRule::Pairwise { probability: 0.1 };
    let random = RandomConnectivity::new(rule, 0.335, Delays::Uniform { min: 10, max: 500 });
    let projections = vec![recurrent("feed", ["channels", "cells"], "excite", random)];
    let outputs = all_out(&populations[1..]);
    Network { tick: tick(), seed: 1, populations, projections, outputs, ..Network::default() }
}

/// Brunel's neurons with 1 000 synapses each, in any number.
pub(crate) fn random(neurons: u32) -> Network {
    let mut network = brunel(true);
    network.populations[0].shape = vec![(neurons / 5 * 4).into()];
    network.populations[1].shape = vec![(neurons / 5).into()];
    network
}
